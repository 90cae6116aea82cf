// The bank: every value of z as a vertical bar, to be painted with a pointer or moved with the keyboard.
// latent_bank.py joins this file in front of latent_bank.js.

const REACH = 4;          // the bars span -4 to 4; a value beyond (one draw in 16,000) shows as a full bar
const FURTHEST = 6;       // the server clips z to this
const ROOMY = 7, EASY = 16;  // pixels a bar: below ROOMY a finger misses, so fewer are shown, each at least EASY wide
const ZOOMS = [64, 32, 16, 8];

const twoDecimals = value => value.toFixed(2).replace('-0.00', '0.00');

/**
 * Fills `root` with bars. `changed()` is called after every change made here, `told(index)` when a bar is pointed at,
 * and `turned(page)` when other bars come into view. A locked bar is not changed.
 */
function makeBars(root, {changed, told, turned}) {
  const locked = new Set();
  let z = new Float32Array(0), first = 0, current = 0, chosen = 0, drag = null;

  const clamp = (value, limit) => Math.min(limit, Math.max(-limit, value));
  const page = () => ({first, count: root.children.length, total: z.length, zoom: chosen});

  function paint(i) {
    const bar = root.children[i - first];
    if (!bar) return;
    bar.firstChild.style.transform = 'scaleY(' + (clamp(z[i], REACH) / REACH).toFixed(4) + ')';
    bar.setAttribute('aria-valuenow', clamp(z[i], REACH).toFixed(2));
    bar.setAttribute('aria-valuetext', twoDecimals(z[i]));
    bar.classList.toggle('lb-locked', locked.has(i));
    bar.setAttribute('aria-readonly', String(locked.has(i)));
  }

  function bar(i) {
    const node = document.createElement('div');
    node.className = 'lb-bar';
    node.append(document.createElement('i'));
    const facts = {role: 'slider', 'aria-orientation': 'vertical', 'aria-label': 'z' + i, 'aria-valuemin': -REACH, 'aria-valuemax': REACH};
    for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
    node.tabIndex = i === current ? 0 : -1;
    return node;
  }

  /** How many bars to show: what was chosen, or as many as a finger can tell apart. */
  function room() {
    if (chosen) return Math.min(chosen, z.length);
    const width = root.clientWidth;
    if (!width || z.length * ROOMY <= width) return z.length;
    return Math.min(z.length, ZOOMS.find(zoom => zoom * EASY <= width) || ZOOMS[ZOOMS.length - 1]);
  }

  /** Shows the page that holds the current bar; builds it anew only if it is another one. */
  function lay(anew = false) {
    const count = room(), from = count ? current - current % count : 0, shown = Math.min(count, z.length - from);
    if (!anew && from === first && shown === root.children.length) return;
    first = from;
    root.replaceChildren(...Array.from({length: shown}, (_, k) => bar(first + k)));
    root.classList.toggle('lb-dense', shown * 4 > root.clientWidth);
    for (let i = first; i < first + shown; i++) paint(i);
    turned(page());
  }

  function go(i, focus) {
    root.children[current - first]?.setAttribute('tabindex', -1);
    current = Math.min(z.length - 1, Math.max(0, i));
    lay();
    const node = root.children[current - first];
    node.tabIndex = 0;
    if (focus) node.focus({preventScroll: true});
    told(current);
  }

  function put(i, value) {
    if (locked.has(i)) return;
    z[i] = clamp(value, REACH);
    paint(i);
  }

  function under(event) {
    const box = root.getBoundingClientRect(), count = root.children.length;
    const k = Math.floor((event.clientX - box.left) / box.width * count);
    const value = REACH * (1 - 2 * (event.clientY - box.top) / box.height);
    return {i: first + Math.min(count - 1, Math.max(0, k)), value: clamp(value, REACH)};
  }

  function began(event) {
    if (event.button || !z.length) return;
    event.preventDefault();
    root.setPointerCapture(event.pointerId);
    drag = under(event);
    put(drag.i, drag.value);
    go(drag.i, true);
    changed();
  }

  function moved(event) {
    const at = z.length ? under(event) : null;
    if (!at) return;
    if (!drag) return told(at.i);
    // a fast pointer skips bars: those between get the values on the straight line
    const steps = Math.max(1, Math.abs(at.i - drag.i)), toward = Math.sign(at.i - drag.i);
    for (let k = toward ? 1 : 0; k <= (toward ? steps : 0); k++) {
      put(drag.i + k * toward, toward ? drag.value + (at.value - drag.value) * k / steps : at.value);
    }
    drag = at;
    if (at.i !== current) go(at.i, true);
    else told(at.i);
    changed();
  }

  function keyed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !z.length) return;
    const fine = event.shiftKey ? 0.01 : 0.1;
    const goals = {ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: z.length - 1};
    const values = {ArrowUp: z[current] + fine, ArrowDown: z[current] - fine, PageUp: z[current] + 1, PageDown: z[current] - 1,
                    Delete: 0, Backspace: 0};
    if (event.key in goals) go(goals[event.key], true);
    else if (event.key in values) { put(current, values[event.key]); told(current); changed(); }
    else return;
    event.preventDefault();
  }

  root.addEventListener('pointerdown', began);
  root.addEventListener('pointermove', moved);
  for (const kind of ['pointerup', 'pointercancel']) root.addEventListener(kind, () => { drag = null; });
  root.addEventListener('pointerleave', () => { if (!drag && z.length) told(current); });
  root.addEventListener('dblclick', () => { put(current, 0); told(current); changed(); });
  root.addEventListener('keydown', keyed);
  root.addEventListener('focusin', event => {
    const k = Array.prototype.indexOf.call(root.children, event.target);
    if (k >= 0 && first + k !== current) go(first + k, false);
  });
  new ResizeObserver(() => lay()).observe(root);

  return {
    get z() { return z; },
    /** Takes a whole new z. */
    set(values) {
      const anew = values.length !== z.length;
      z = Float32Array.from(values, value => clamp(value, FURTHEST));
      if (anew) { current = 0; locked.clear(); lay(true); }
      else for (let i = first; i < first + root.children.length; i++) paint(i);
      if (z.length) told(current);
    },
    /** Shows that many bars at a time; 0 leaves it to the width. */
    zoom(count) { chosen = count; lay(); },
    get current() { return current; },
    locked,
    lock(i) { if (!locked.delete(i)) locked.add(i); paint(i); },
    turn(pages) { go(first + pages * root.children.length, false); },
    page,
  };
}
