"""The one page that a browser finds at the door."""

from __future__ import annotations

_PAGE = """<!doctype html>
<html lang="es">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Comunal</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style></head>
<body>
<h1>Comunal</h1>
<p>Este servidor recibe encuestas de ODK Collect y está funcionando. Aquí no hay nada que ver con un navegador:
para encuestar, escanee con ODK Collect el código que le dio su supervisor.</p>
<p lang="ht">Sèvè sa a resevwa ankèt ODK Collect epi l ap mache. Pa gen anyen pou wè isit la ak yon navigatè: pou fè
ankèt, eskane kòd sipèvizè ou te ba ou a ak ODK Collect.</p>
<p lang="en">This server receives interviews from ODK Collect and is running. There is nothing to see here with a
browser: to interview, scan the code that your supervisor gave you with ODK Collect.</p>
</body>
</html>
"""


def front_page() -> str:
    """What this is, in the three languages; no form, no number, no secret."""
    return _PAGE
