// The page of a link: loads the form through the door, shows it with ODK Web Forms, and sends the answers.
// Nothing is kept on the device: no storage, no cookie, no cache of answers.
import { createApp, h, shallowRef } from "vue";
import { setLibraryLanguage, watchLibrary } from "./library.js";

const config = JSON.parse(document.getElementById("config").textContent);
const base = new URL(location.pathname.replace(/\/+$/, "") + "/", location.origin);
const SEND_SECONDS = 180;
const LOAD_SECONDS = 120;
const at = (id) => document.getElementById(id);

let language = config.language;
let engine = null; // the form as the library runs it, once it does
let unsent = null; // what was made ready and isn't on the server yet
let isTouched = false;
let isSent = false;

const text = (name) => config.texts[name][language];

// Over plain http browsers leave this out; the engine needs it.
crypto.randomUUID ??= () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

// ---------------------------------------------------------------------------------------------- asking the server

const ask = (address, options = {}, seconds = LOAD_SECONDS) =>
  fetch(new URL(address, base), {
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    redirect: "error",
    signal: AbortSignal.timeout(seconds * 1000),
    ...options,
    headers: { "X-OpenRosa-Version": "1.0", "Accept-Language": language, ...options.headers },
  });

async function load() {
  const form = `forms/${config.form}`;
  const [xml, manifest, limit] = await Promise.all([
    ask(`${form}/form.xml`),
    ask(`${form}/manifest`),
    ask("submission", { method: "HEAD" }),
  ]);
  if (!xml.ok || !manifest.ok || limit.status !== 204) throw new Error("not loaded");
  const listed = new DOMParser().parseFromString(await manifest.text(), "text/xml");
  const media = new Map();
  for (const file of listed.getElementsByTagNameNS("*", "mediaFile")) {
    const part = (name) => file.getElementsByTagNameNS("*", name)[0]?.textContent ?? "";
    // The same server may be reached by several names: only the path counts.
    const address = new URL(part("downloadUrl"), base);
    media.set(part("filename"), address.pathname + address.search);
  }
  return {
    xml: await xml.text(),
    media,
    most: Number(limit.headers.get("X-OpenRosa-Accept-Content-Length")) || 10_000_000,
  };
}

// ------------------------------------------------------------------------------------------------- showing the form

/** The library's own handle of the form: the header that we hide has it among its properties. */
function findEngine(node) {
  if (!node || typeof node !== "object") return null;
  if (node.component) {
    if (node.component.props?.form?.setLanguage) return node.component.props.form;
    return findEngine(node.component.subTree);
  }
  for (const child of Array.isArray(node.children) ? node.children : []) {
    const found = findEngine(child);
    if (found) return found;
  }
  return null;
}

function setLanguage(code) {
  language = code;
  document.documentElement.lang = code;
  document.title = at("title").textContent = config.title[code];
  at("private").textContent = text("private");
  at("credit").textContent = text("credit");
  at("languages").setAttribute("aria-label", text("language"));
  for (const button of at("languages").children) button.setAttribute("aria-pressed", String(button.value === code));
  const name = config.languages[code];
  // A form without languages has one without a name, which can't be chosen.
  const wanted = name ? engine?.languages.find((one) => one.language === name) : undefined;
  if (wanted) engine.setLanguage(wanted);
  setLibraryLanguage(code);
  showErrors();
}

function say(message, isBad = false, again = null) {
  const place = at("status");
  place.hidden = !message;
  place.classList.toggle("bad", isBad);
  place.replaceChildren(message ?? "");
  if (again) place.append(" ", makeButton(text("try_again"), again));
}

function makeButton(label, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", press);
  return button;
}

const wrong = () => [...document.querySelectorAll("#form .question-container.highlight")];

function showErrors() {
  const place = at("errors");
  const count = document.querySelector("#form .submit-pressed") ? wrong().length : 0;
  place.hidden = !count;
  const message = count ? text("errors").replace("{n}", String(count)) : "";
  if (place.textContent !== message) place.textContent = message;
}

/** After a press on "send" that found errors: to the first of them, where the library goes to the top. */
function goToFirstError() {
  showErrors();
  const [first] = wrong();
  if (!first) return;
  first.scrollIntoView({ block: "center" });
  first.querySelector("input, textarea, button, select, [tabindex]")?.focus({ preventScroll: true });
}

async function start() {
  say(text("loading"));
  let loaded, library;
  try {
    [loaded, library] = await Promise.all([load(), import("web-forms")]);
  } catch (error) {
    console.error("not loaded:", error?.name);
    // Nothing was typed yet; and a part of the library that failed once is asked for again only by a new page.
    say(text("not_loaded"), true, () => location.reload());
    return;
  }
  const { OdkWebForm, webFormsPlugin } = library;
  const shown = shallowRef(null);
  const app = createApp({
    render: () =>
      h(OdkWebForm, {
        ref: shown,
        formXml: loaded.xml,
        fetchFormAttachment: (url) => {
          const address = loaded.media.get(decodeURIComponent(url.pathname.split("/").pop()));
          return address ? ask(address) : Promise.resolve(new Response("", { status: 404 }));
        },
        submissionMaxSize: loaded.most,
        // A number of this visit alone: the library's own would stay on the device.
        preloadProperties: { deviceID: `getodk.org:webforms:${crypto.randomUUID()}` },
        onSubmitChunked: (payload) => {
          unsent = payload;
          void send(app);
        },
      }),
  });
  app.use(webFormsPlugin);
  watchLibrary(at("form"), app.config.globalProperties.$primevue);
  const waiting = new MutationObserver(() => {
    if (at("form").querySelector(".form-initialization-status.error")) {
      waiting.disconnect();
      app.unmount();
      say(text("not_opened"), true);
    } else if (at("form").querySelector(".odk-form")) {
      waiting.disconnect();
      engine = findEngine(shown.value?.$.subTree);
      setLanguage(language);
      say(null);
      new MutationObserver(showErrors).observe(at("form"), {
        attributes: true,
        attributeFilter: ["class"],
        subtree: true,
        childList: true,
      });
    }
  });
  waiting.observe(at("form"), { childList: true, subtree: true, attributes: true });
  app.mount(at("form"));
}

at("languages").addEventListener("click", (event) => {
  const code = event.target.closest("button")?.value;
  if (code) setLanguage(code);
});
at("form").addEventListener("input", () => (isTouched = true));
at("form").addEventListener("change", () => (isTouched = true));
at("form").addEventListener("click", (event) => {
  if (event.target.closest(".footer button")) setTimeout(goToFirstError, 150);
});
addEventListener("beforeunload", (event) => {
  if (isTouched && !isSent) event.preventDefault();
});

// ------------------------------------------------------------------------------------------------------- sending

async function send(app) {
  const box = at("sending");
  box.addEventListener("cancel", (event) => event.preventDefault());
  box.replaceChildren(heading(text("sending"), "sending-head"));
  if (!box.open) box.showModal();
  let told = "";
  try {
    for (const part of unsent.data) {
      const answer = await ask("submission", { method: "POST", body: part }, SEND_SECONDS);
      if (answer.status !== 201 && answer.status !== 202) {
        // Below 500 the server knows what is wrong and says it; above it speaks of itself.
        told = answer.status < 500 ? messageOf(await answer.text()) : "";
        throw new Error(`status ${answer.status}`);
      }
    }
  } catch (error) {
    console.error("not sent:", error?.name);
    failed(app, told);
    return;
  }
  const reference = await referenceOf(unsent.data[0]);
  isSent = true;
  unsent = engine = null;
  app.unmount();
  box.close();
  thank(reference);
}

function failed(app, told) {
  const again = () => {
    removeEventListener("online", again);
    void send(app);
  };
  const kept = paragraph(text("kept"));
  kept.setAttribute("role", "alert");
  const parts = [heading(text("not_sent"), "sending-head"), kept];
  if (told) parts.push(paragraph(`${text("told")} ${told}`));
  const button = makeButton(text("try_again"), again);
  at("sending").replaceChildren(...parts, button);
  button.focus();
  addEventListener("online", again, { once: true });
}

const messageOf = (xml) =>
  new DOMParser().parseFromString(xml, "text/xml").getElementsByTagNameNS("*", "message")[0]?.textContent ?? "";

/** The beginning of the interview's id, as a number that can be said on the telephone. */
async function referenceOf(part) {
  const xml = await part.get("xml_submission_file").text();
  const id = /<(?:\w+:)?instanceID>uuid:([0-9a-f-]+)</i.exec(xml)?.[1].replaceAll("-", "").toUpperCase() ?? "";
  return `${id.slice(0, 4)}-${id.slice(4, 8)}`;
}

function thank(reference) {
  at("errors").hidden = true;
  at("private").hidden = true;
  const place = at("thanks");
  const draw = () => {
    const number = document.createElement("p");
    number.className = "reference";
    number.textContent = reference;
    const parts = [heading(text("thanks")), paragraph(text("reference")), number, paragraph(text("reference_use"))];
    parts.push(paragraph(text("close")));
    if (!config.single) parts.push(makeButton(text("another"), () => location.reload()));
    place.replaceChildren(...parts);
  };
  draw();
  at("languages").addEventListener("click", draw);
  place.hidden = false;
  place.firstChild.tabIndex = -1;
  place.firstChild.focus();
  scrollTo(0, 0);
}

function heading(words, id = "") {
  const made = document.createElement("h2");
  made.textContent = words;
  if (id) made.id = id;
  return made;
}

function paragraph(words) {
  const made = document.createElement("p");
  made.textContent = words;
  return made;
}

document.documentElement.dataset.started = "yes";
setLanguage(language);
void start();
