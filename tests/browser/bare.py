"""A page with nothing but one of our components on it, mounted as gr.HTML mounts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gan_ui
from gan_ui.strings import STRINGS

COMPONENTS = Path(gan_ui.__file__).parent / "components"

# The page's store, cut down: what live.js promises the components. The stores of the run and of the pose are the real ones.
STORE = (
    "const GAN_WORDS = "
    + json.dumps(STRINGS).replace("</", "<\\/")
    + """;
window.ganLive = (() => {
  const words = GAN_WORDS, last = {language: 'en'}, listeners = {view: [], language: []};
  return {
    chosen: '',
    get language() { return last.language; },
    on(kind, listener) { listeners[kind].push(listener); if (kind in last) listener(last[kind]); },
    send(kind, value) { last[kind] = value; for (const listener of listeners[kind]) listener(value); },
    select(run) { this.chosen = run; },
    may() { return true; },
    t(key, values) {
      if (!words[key]) throw new Error('no word ' + key);
      let text = words[key][last.language === 'zh' ? 1 : 0];
      for (const [name, value] of Object.entries(values || {})) text = text.replaceAll('{' + name + '}', value);
      return text;
    },
  };
})();
"""
    + (COMPONENTS / "subject.js").read_text(encoding="utf-8")
    + (COMPONENTS / "pose_store.js").read_text(encoding="utf-8")
)
PAGE_CSS = (COMPONENTS / "page.css").read_text(encoding="utf-8")
THEME = """
body { margin: 0; padding: 12px; font-family: sans-serif;
  --body-text-color: #27272a; --body-text-color-subdued: #71717a;
  --block-background-fill: #ffffff; --border-color-primary: #e4e4e7; }
body.dark { --body-text-color: #f4f4f5; --body-text-color-subdued: #a1a1aa; --block-background-fill: #18181b;
  --border-color-primary: #3f3f46; background: #09090b; }
"""


def bare_page(html: str, css: str, js: str, props: dict[str, Any] | None = None) -> str:
    """The page. In it, `part` is the component's element and `props` what Gradio gives it.

    `fired` lists what it has triggered as [name, data], and `fromPython(value)` sets its value as Python does.
    """
    script = json.dumps(js).replace("</", "<\\/")
    return f"""<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>{THEME} {PAGE_CSS} #part {{ {css} }}</style><script>{STORE}</script>
<body><div id="part">{html}</div><script>
const part = document.getElementById('part'), props = {json.dumps(props or {})}, fired = [], watchers = [];
const fromPython = value => {{ props.value = value; for (const watcher of watchers) watcher(); }};
Function('element', 'trigger', 'props', 'server', 'upload', 'watch', {script})(
  part, (name, data) => fired.push([name, data]), props, null, null, (name, watcher) => watchers.push(watcher));
</script>"""
