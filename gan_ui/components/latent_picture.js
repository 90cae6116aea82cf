// Pictures of 28 x 28, and what the routes are asked for those of a pose. Joined behind latent_requests.js.

const PIXELS = 784;

/** Puts a grey picture, a byte a pixel, into a canvas of 28 x 28. */
function drawPixels(canvas, pixels) {
  const context = canvas.getContext('2d'), image = context.createImageData(28, 28);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < PIXELS; i++) words[i] = 0xff000000 | pixels[i] * 0x010101;
  context.putImageData(image, 0, 0);
}

/** What a pose tells a conditional run to draw; for any other run nothing. */
const classAsked = pose => !pose.classes ? {} : {digit: pose.digit, ...(pose.to === '' ? {} : {to: pose.to, share: pose.share})};

/** A pose without its z, as the query of a request. */
const asked = pose => ({run: pose.run, step: pose.snapshot, psi: pose.psi, ...classAsked(pose)});

const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const textOf = bytes => btoa(String.fromCharCode(...bytes));

/** Directions as the route gives them: rows of length z_dim, each of length 1 and at right angles to the others. */
function unpackDirections({directions, z_dim}) {
  const values = new Float32Array(bytesOf(directions).buffer), rows = [];
  for (let at = 0; at < values.length; at += z_dim) rows.push(values.subarray(at, at + z_dim));
  return rows;
}
