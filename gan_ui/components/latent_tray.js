// The poses that are kept for a walk, in this browser. latent_walk.py joins this file in front of latent_walk.js.

const TRAY_KEY = 'gan-live-walk', TRAY_ROOM = 24;

/** One kept pose, out of what the browser's storage says, which anybody may have written; or null. */
function keptPose(said) {
  const number = (value, low, high) => typeof value === 'number' && value >= low && value <= high;
  const digit = value => value === '' || number(value, 0, 9) || (typeof value === 'string' && /^[0-9]$/.test(value));
  const fine = said && typeof said.text === 'string' && /^p\d+_[\w-]{1,2000}$/.test(said.text)
    && Array.isArray(said.z) && said.z.length > 0 && said.z.length <= 512 && said.z.every(value => number(value, -8, 8))
    && number(said.psi, 0, 2) && digit(said.digit) && digit(said.to) && number(said.share, 0, 1)
    && typeof said.thumb === 'string' && /^[\w+/=]{1048}$/.test(said.thumb);
  return fine ? {text: said.text, z: said.z, psi: said.psi, digit: said.digit, to: said.to, share: said.share, thumb: said.thumb} : null;
}

/**
 * The tray. `changed()` is called after every change, here or in another tab of this browser. An item is {text, z, psi,
 * digit, to, share, thumb}: its pose as text, what of it the page's pose takes, and its picture in base64.
 */
function makeTray(changed) {
  let items = read();

  function read() {
    try {
      const said = JSON.parse(localStorage.getItem(TRAY_KEY) || '[]');
      return (Array.isArray(said) ? said : []).map(keptPose).filter(Boolean).slice(0, TRAY_ROOM);
    } catch { return []; }
  }

  function set(newItems) {
    items = newItems;
    try { localStorage.setItem(TRAY_KEY, JSON.stringify(items)); } catch { /* a private window, or no room: until the page closes */ }
    changed();
  }

  addEventListener('storage', event => { if (event.key === TRAY_KEY || event.key === null) { items = read(); changed(); } });

  return {
    get items() { return items; },
    get full() { return items.length >= TRAY_ROOM; },
    add(item) { if (items.length < TRAY_ROOM) set([...items, item]); },
    remove(at) { set(items.filter((_, i) => i !== at)); },
    /** Moves one by so many places, and returns where it is then. */
    move(at, by) {
      const to = Math.min(items.length - 1, Math.max(0, at + by)), rest = items.filter((_, i) => i !== at);
      set([...rest.slice(0, to), items[at], ...rest.slice(to)]);
      return to;
    },
  };
}
