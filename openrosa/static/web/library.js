// What ODK Web Forms says by itself, in Spanish and Kreyòl: its release has English only and takes no other strings.
// Its words are replaced where they appear; the form's own texts are never touched.

const SAID = {
  "Send": ["Enviar", "Voye"],
  "Condition not satisfied: required": ["Falta esta respuesta.", "Repons sa a manke.", "This answer is missing."],
  "Condition not satisfied: constraint": [
    "Esta respuesta no puede ser. Revísela.",
    "Repons sa a pa posib. Verifye l.",
    "This answer can't be right. Check it.",
  ],
  "Add": ["Agregar", "Ajoute"],
  "Remove": ["Quitar", "Retire"],
  "Repeat Item": ["Persona o cosa", "Moun oswa bagay"],
  "Cancel": ["Cancelar", "Anile"],
  "Close": ["Cerrar", "Fèmen"],
  "Get location": ["Tomar la ubicación", "Pran kote ou ye a"],
  "Save location": ["Guardar la ubicación", "Sere kote ou ye a"],
  "Try again": ["Intentar otra vez", "Eseye ankò"],
  "Finding your location": ["Buscando dónde está", "N ap chèche kote ou ye"],
  "Time taken to capture location:": ["Tiempo de búsqueda:", "Tan rechèch la pran:"],
  "Good accuracy": ["Buena precisión", "Bon presizyon"],
  "Poor accuracy": ["Poca precisión", "Presizyon fèb"],
  "Unknown accuracy": ["Precisión desconocida", "Presizyon enkoni"],
  "Cannot access location": ["No se pudo saber dónde está", "Nou pa ka jwenn kote ou ye"],
  "Grant location permission in the browser settings and make sure location is turned on.": [
    "Permita la ubicación en los ajustes del navegador y revise que esté encendida.",
    "Bay pèmisyon pou pozisyon an nan reglaj navigatè a epi verifye si li limen.",
  ],
  "Location unavailable. Enable GPS and browser permissions, then restart the form to try again.": [
    "No se supo dónde está. Puede seguir respondiendo.",
    "Nou pa jwenn kote ou ye. Ou mèt kontinye reponn.",
    "Your location could not be found. You can go on answering.",
  ],
  "Take picture": ["Tomar una foto", "Fè yon foto"],
  "Choose image": ["Elegir una imagen", "Chwazi yon imaj"],
  "Captured image preview": ["La foto tomada", "Foto ou fè a"],
  "Upload file": ["Subir un archivo", "Mete yon fichye"],
  "Rank items": ["Ordenar", "Mete yo an lòd"],
  "change language": ["cambiar idioma", "chanje lang"],
  "Choose Date": ["Elegir fecha", "Chwazi dat"],
  "No available options": ["No hay opciones", "Pa gen opsyon"],
  "No results found": ["No se encontró nada", "Nou pa jwenn anyen"],
  "empty": ["sin respuesta", "san repons", "no answer"],
};
const COUNTED = [
  [/^Accuracy: ([\d.]+) m,$/, ["Precisión: $1 m,", "Presizyon: $1 m,"]],
  [/^Latitude: (\S+),$/, ["Latitud: $1,", "Latitid: $1,"]],
  [/^Longitude: (\S+)\.$/, ["Longitud: $1.", "Lonjitid: $1."]],
  [/^Location will be saved at ([\d.]+) m$/, ["Se guardará al llegar a $1 m", "N ap sere l lè li rive $1 m"]],
  [/^Previous saved location at ([\d.]+) m$/, ["Ubicación anterior: $1 m", "Pozisyon anvan an: $1 m"]],
];
const CALENDAR = {
  es: {
    dayNames: ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
    dayNamesShort: ["dom", "lun", "mar", "mié", "jue", "vie", "sáb"],
    dayNamesMin: ["D", "L", "M", "X", "J", "V", "S"],
    monthNames: [
      "enero", "febrero", "marzo", "abril", "mayo", "junio",
      "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ],
    monthNamesShort: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    chooseYear: "Elegir año", chooseMonth: "Elegir mes", chooseDate: "Elegir fecha",
    prevMonth: "Mes anterior", nextMonth: "Mes siguiente", prevYear: "Año anterior", nextYear: "Año siguiente",
    prevDecade: "Diez años antes", nextDecade: "Diez años después",
    today: "Hoy", clear: "Borrar", dateFormat: "dd/mm/yy", firstDayOfWeek: 1,
    emptyMessage: "No hay opciones", emptyFilterMessage: "No se encontró nada", emptySearchMessage: "No se encontró nada",
    searchMessage: "{0} opciones", selectionMessage: "{0} elegidas", emptySelectionMessage: "Nada elegido",
  },
  ht: {
    dayNames: ["dimanch", "lendi", "madi", "mèkredi", "jedi", "vandredi", "samdi"],
    dayNamesShort: ["dim", "len", "mad", "mèk", "jed", "van", "sam"],
    dayNamesMin: ["Di", "Le", "Ma", "Mè", "Je", "Va", "Sa"],
    monthNames: [
      "janvye", "fevriye", "mas", "avril", "me", "jen",
      "jiyè", "out", "septanm", "oktòb", "novanm", "desanm",
    ],
    monthNamesShort: ["jan", "fev", "mas", "avr", "me", "jen", "jiy", "out", "sep", "okt", "nov", "des"],
    chooseYear: "Chwazi ane", chooseMonth: "Chwazi mwa", chooseDate: "Chwazi dat",
    prevMonth: "Mwa anvan", nextMonth: "Mwa apre", prevYear: "Ane anvan", nextYear: "Ane apre",
    prevDecade: "Dis an anvan", nextDecade: "Dis an apre",
    today: "Jodi a", clear: "Efase", dateFormat: "dd/mm/yy", firstDayOfWeek: 1,
    emptyMessage: "Pa gen opsyon", emptyFilterMessage: "Nou pa jwenn anyen", emptySearchMessage: "Nou pa jwenn anyen",
    searchMessage: "{0} opsyon", selectionMessage: "{0} chwazi", emptySelectionMessage: "Anyen pa chwazi",
  },
};
const ORDER = ["es", "ht", "en"];
const MARKED = ["aria-label", "alt", "title", "placeholder"];
// Where the form's own words stand: labels, hints, choices, notes, what was typed.
const OWN_WORDS = "label, .hint, .control-text, .markdown, .note-control, textarea, [contenteditable]";

let language = "es";
let place = null;
let prime = null;
let english = null;
const texts = new WeakMap(); // text node -> what the library wrote, and what we made of it
const marks = new WeakMap(); // element -> attribute -> the same

/** What the library's words are in the language of the page; null if they aren't the library's. */
function translated(words) {
  const plain = words.trim();
  const at = ORDER.indexOf(language);
  if (Object.hasOwn(SAID, plain)) return words.replace(plain, SAID[plain][at] ?? plain);
  for (const [pattern, sentences] of COUNTED) {
    if (pattern.test(plain)) return sentences[at] ? plain.replace(pattern, sentences[at]) : words;
  }
  return null;
}

function mendText(node) {
  const known = texts.get(node);
  const said = known && known.made === node.data ? known.said : node.data;
  // A validation message of the library may stand among a form's own words: it alone is looked at there.
  const parent = node.parentElement;
  if (!parent || (parent.closest(OWN_WORDS) && !parent.closest(".validation-message, .choose-image-button, button"))) return;
  const made = translated(said);
  if (made === null) return;
  texts.set(node, { said, made });
  if (node.data !== made) node.data = made;
}

function mendMarks(element) {
  const known = marks.get(element) ?? {};
  for (const name of MARKED) {
    const now = element.getAttribute(name);
    if (!now) continue;
    const said = known[name]?.made === now ? known[name].said : now;
    const made = translated(said);
    if (made === null) continue;
    known[name] = { said, made };
    marks.set(element, known);
    if (now !== made) element.setAttribute(name, made);
  }
  // A shared phone must not offer one person's words to the next.
  if (element.matches("input, textarea") && element.getAttribute("autocomplete") !== "off") {
    element.setAttribute("autocomplete", "off");
    element.setAttribute("autocorrect", "off");
    element.setAttribute("spellcheck", "false");
  }
}

/** For screen readers: what a question's controls belong to, and what is wrong with them. */
function relate(question) {
  const label = question.querySelector(".control-text label, .control-text");
  if (!label) return;
  label.id ||= `${question.id}_label`;
  question.setAttribute("role", "group");
  question.setAttribute("aria-labelledby", label.id);
  const message = question.querySelector(".validation-message");
  if (message) message.id ||= `${question.id}_message`;
  for (const control of question.querySelectorAll("input, textarea, [role=combobox]")) {
    if (!control.matches("[type=radio], [type=checkbox]")) control.setAttribute("aria-labelledby", label.id);
    if (message) control.setAttribute("aria-describedby", message.id);
    else control.removeAttribute("aria-describedby");
    control.setAttribute("aria-invalid", String(question.classList.contains("highlight")));
  }
}

const changed = new Set();
function later(node) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  const question = element?.closest(".question-container");
  const found = question ? [question] : (element?.querySelectorAll?.(".question-container") ?? []);
  if (!changed.size && found.length) {
    queueMicrotask(() => {
      changed.forEach(relate);
      changed.clear();
    });
  }
  found.forEach((one) => changed.add(one));
}

function mend(root) {
  if (root.nodeType === Node.TEXT_NODE) return mendText(root);
  if (root.nodeType !== Node.ELEMENT_NODE) return;
  mendMarks(root);
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    node.nodeType === Node.TEXT_NODE ? mendText(node) : mendMarks(node);
  }
}

/** Keep the library's words in the page's language, also in what it draws over the page (lists, calendars). */
export function watchLibrary(form, primevue) {
  place = form;
  prime = primevue;
  english = { ...primevue.config.locale };
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      later(change.target);
      if (change.type === "childList") change.addedNodes.forEach(mend);
      else if (change.type === "characterData") mendText(change.target);
      else if (change.attributeName !== "class") mendMarks(change.target);
    }
  });
  const options = { childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: [...MARKED, "class"] };
  observer.observe(form, options);
  // Lists, calendars and dialogs are drawn at the end of the body.
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE || !/\bp-/.test(node.className)) continue;
        mend(node);
        observer.observe(node, options);
      }
    }
  }).observe(document.body, { childList: true });
}

export function setLibraryLanguage(code) {
  language = code;
  if (prime) Object.assign(prime.config.locale, english, CALENDAR[code] ?? { dateFormat: "dd/mm/yy", firstDayOfWeek: 1 });
  if (place) mend(place);
}
