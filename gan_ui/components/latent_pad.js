// A pad to draw a digit on, white on black. latent_projection.py joins this file in front of latent_projection.js.

const PEN = 24, ERASER = 44;       // of 280 pixels: scaled down, the pen is as wide as those of MNIST

/** Draws on `canvas` with mouse, pen or finger. `changed()` is called after every stroke that begins. */
function makePad(canvas, {changed}) {
  const context = canvas.getContext('2d');
  let erases = false, empty = true, stroke = null;

  function clear() {
    context.fillStyle = 'black';
    context.fillRect(0, 0, canvas.width, canvas.height);
    empty = true;
  }

  function where(event) {
    const box = canvas.getBoundingClientRect();
    return {x: (event.clientX - box.left) / box.width * canvas.width, y: (event.clientY - box.top) / box.height * canvas.height};
  }

  function line(from, to) {
    context.strokeStyle = erases ? 'black' : 'white';
    context.lineWidth = erases ? ERASER : PEN;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from.x === to.x && from.y === to.y ? 0.01 : 0));   // a press alone is a dot
    context.stroke();
  }

  canvas.addEventListener('pointerdown', event => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    stroke = {id: event.pointerId, at: where(event)};
    if (!erases) empty = false;
    line(stroke.at, stroke.at);
    changed();
  });
  canvas.addEventListener('pointermove', event => {
    if (!stroke || stroke.id !== event.pointerId) return;
    for (const each of event.getCoalescedEvents().concat(event)) {
      const to = where(each);
      line(stroke.at, to);
      stroke.at = to;
    }
  });
  for (const kind of ['pointerup', 'pointercancel']) canvas.addEventListener(kind, () => { stroke = null; });

  clear();
  return {
    clear,
    get empty() { return empty; },
    erase(on) { erases = on; },
    /** Promises what is drawn, as a PNG file. */
    file: () => new Promise(done => canvas.toBlob(done, 'image/png')),
  };
}
