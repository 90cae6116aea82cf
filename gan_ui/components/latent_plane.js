// The plane of a map: two directions of z at right angles, and where on it a z is. latent_map.py joins this file in front
// of latent_map.js.

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** `second` without its part along `first`, of length 1; zeros where there is nothing left of it. */
function across(first, second) {
  const share = dot(first, second), rest = second.map((value, i) => value - share * first[i]), length = Math.hypot(...rest);
  return rest.map(value => length > 1e-6 ? value / length : 0);
}

/** The plane through `z` along `right` and `down`; `base` is its point closest to 0. */
function makePlane(z, right, down) {
  const v = across(right, down), x = dot(z, right), y = dot(z, v);
  const base = z.map((value, i) => value - x * right[i] - y * v[i]);
  return {
    at: z => ({x: dot(z, right), y: dot(z, v)}),
    point: (x, y) => base.map((value, i) => value + x * right[i] + y * v[i]),
    /** Whether z lies on it, but for rounding. */
    holds(z) {
      if (z.length !== base.length) return false;
      const x = dot(z, right), y = dot(z, v);
      return z.every((value, i) => Math.abs(value - x * right[i] - y * v[i] - base[i]) < 2e-3);
    },
  };
}
