// The other view of z: the directions along which G's pictures change most, as sliders between a before and an after.
// latent_bank.py joins this file in front of latent_bank.js.

const DIRECTIONS = 12, FAR = 3, SLIDER_REACH = 4;

const along = (z, row) => row.reduce((sum, value, i) => sum + value * z[i], 0);
const moved = (z, row, by) => z.map((value, i) => value + by * row[i]);

/**
 * Fills `root` with a slider for each direction. `changed(z)` is called with every z that a slider makes, and
 * `named(index, name)` when one gets another name.
 */
function makeDirections(root, {changed, named, word}) {
  const locked = new Set();
  const why = document.createElement('p');
  why.className = 'ld-why';
  why.setAttribute('role', 'status');
  let found = [], z = new Float32Array(0), fixed = '';

  const rows = Array.from({length: DIRECTIONS}, (_, i) => {
    const row = document.createElement('div');
    row.className = 'ld-row';
    row.hidden = true;
    row.innerHTML = `<input class="ld-name" type="text" maxlength="40">
      <button type="button" class="lb-tile ld-less"><canvas width="28" height="28"></canvas></button>
      <input class="ld-slider" type="range" min="${-SLIDER_REACH}" max="${SLIDER_REACH}" step="0.01">
      <button type="button" class="lb-tile ld-more"><canvas width="28" height="28"></canvas></button>
      <output class="ld-value"></output><button type="button" class="ld-lock" aria-pressed="false">
      <svg width="14" height="14" viewBox="0 0 14 14" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true"><rect
        x="2" y="6.5" width="10" height="6.5" rx="1.5" fill="currentColor"/><path class="ld-shut" d="M4 6.5V4a3 3 0 0 1 6 0v2.5"/><path
        class="ld-open" d="M4 6.5V4a3 3 0 0 1 5.8-1"/></svg></button>`;
    root.append(row);
    const part = name => row.querySelector(name);
    const parts = {row, name: part('.ld-name'), slider: part('.ld-slider'), value: part('.ld-value'), lock: part('.ld-lock'),
                   less: part('.ld-less'), more: part('.ld-more')};
    parts.slider.addEventListener('input', () => go(i, Number(parts.slider.value)));
    parts.slider.addEventListener('dblclick', () => go(i, 0));
    parts.slider.addEventListener('keydown', event => {
      if (event.key !== 'Delete' && event.key !== 'Backspace') return;
      event.preventDefault();
      go(i, 0);
    });
    parts.less.addEventListener('click', () => go(i, -FAR));
    parts.more.addEventListener('click', () => go(i, FAR));
    parts.lock.addEventListener('click', () => lock(i));
    // there, and before anything is typed that would be emptied again
    parts.name.addEventListener('focus', () => { if (parts.name.readOnly) { why.textContent = word(fixed); row.after(why); } });
    parts.name.addEventListener('blur', () => why.remove());
    parts.name.addEventListener('change', () => named(i, parts.name.value));
    parts.name.addEventListener('keydown', event => { if (event.key === 'Enter') parts.name.blur(); });
    return parts;
  });

  function go(i, value) {
    if (locked.has(i)) return paint(i);
    changed(moved(z, found[i], value - along(z, found[i])));
  }

  function paint(i) {
    const {slider, value} = rows[i], at = along(z, found[i]), text = at.toFixed(2).replace('-0.00', '0.00');
    slider.value = at;
    slider.setAttribute('aria-valuetext', text);
    value.textContent = text;
  }

  function lock(i) {
    if (!locked.delete(i)) locked.add(i);
    tellLock(i);
  }

  function tellLock(i) {
    const {row, slider, lock: button} = rows[i], on = locked.has(i);
    row.classList.toggle('lb-locked', on);
    slider.disabled = on;
    button.setAttribute('aria-pressed', String(on));
    button.title = word(on ? 'unlock' : 'lock');
    button.setAttribute('aria-label', word(on ? 'unlock' : 'lock') + ': ' + called(i));
  }

  const called = i => rows[i].name.value.trim() || word('direction', {n: i + 1});

  function speak() {
    rows.forEach((row, i) => {
      row.name.placeholder = word('direction', {n: i + 1});
      row.name.setAttribute('aria-label', word('name_direction', {n: i + 1}));
      row.slider.setAttribute('aria-label', called(i));
      row.less.setAttribute('aria-label', called(i) + ' = ' + -FAR);
      row.more.setAttribute('aria-label', called(i) + ' = ' + FAR);
      tellLock(i);
    });
  }

  return {
    locked,
    lock,
    speak,
    get rows() { return found; },
    /** Takes other directions, with their names; `reason` is the word that says why this visitor may not change these, or ''. */
    take(directions, names, reason) {
      found = directions;
      fixed = reason;
      why.remove();
      locked.clear();
      rows.forEach(({row, name}, i) => { row.hidden = i >= found.length; name.value = names[i] || ''; name.readOnly = Boolean(reason); });
      speak();
    },
    /** Shows where z is on each of them. */
    show(newZ) {
      z = newZ;
      found.forEach((row, i) => { if (row.length === z.length) paint(i); });
    },
    /** The z of all before and after pictures, one after the other, and their canvases in the same order. */
    ends() {
      const all = found.flatMap(row => [-FAR, FAR].map(end => moved(z, row, end - along(z, row))));
      const body = new Float32Array(all.length * z.length);
      all.forEach((one, k) => body.set(one, k * z.length));
      return {body, canvases: rows.slice(0, found.length).flatMap(({less, more}) => [less.firstChild, more.firstChild])};
    },
    /** The direction whose slider, name or button has the focus, or -1. */
    current: () => rows.findIndex(({row}) => row.contains(document.activeElement)),
  };
}
