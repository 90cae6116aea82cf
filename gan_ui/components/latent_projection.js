// Draw a digit, or bring a picture of one: the closest that G can draw is looked for, shown while it gets closer, and
// then taken over as the page's pose.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope.

const MOST_BYTES = 10_000_000;     // the server takes no more; said here before it is sent

const root = element.querySelector('.lc-part');
const part = makePart(root, 'latent_projection', {changed}), {find} = part;
const said = find('.lq-said'), residual = find('.lq-residual'), file = find('.lq-file');
const pad = makePad(find('.lq-pad'), {changed: () => part.tell(said, null)});
const strip = makeJobStrip(find('.jb'), {told: showSoFar, done: take, ended: () => part.tell(residual, null)});

let target = null, runAsked = '';

function search(picture) {
  if (!part.pose) return;
  const {run, snapshot: step} = part.pose;
  runAsked = run;
  target = null;
  find('.lq-shown').hidden = true;
  part.tell(said, null);
  part.tell(residual, null);
  strip.start(() => ask('project', {run, step}, {method: 'POST', body: picture}));
}

async function searchDrawn() {
  if (pad.empty) return part.tell(said, 'draw_first');
  search(await pad.file());
}

function searchFile() {
  const [picture] = file.files;
  file.value = '';                 // the same file may be chosen again
  if (!picture) return;
  if (picture.size > MOST_BYTES) return part.tell(said, 'too_large');
  search(picture);
}

/** The target and the closest fake so far, while the job runs. */
function showSoFar({data}) {
  if (!data || !data.image) return;
  show(data.target, data.image);
  part.tell(residual, 'so_far', {residual: data.residual.toFixed(1)});
}

function show(targetText, imageText) {
  find('.lq-shown').hidden = false;
  target = bytesOf(targetText);
  const image = bytesOf(imageText);
  drawPixels(find('.lq-target'), target);
  drawPixels(find('.lq-found'), image);
  drawPixels(find('.lq-difference'), target.map((value, i) => Math.abs(value - image[i])));
}

function take({result}) {
  const {z, digit, drawn, draws, apart} = result;
  show(result.target, result.image);
  part.tell(residual, 'found_at', {residual: result.residual.toFixed(1), share: (result.residual / apart).toFixed(2),
                                   apart: apart.toFixed(1), draws, drawn: drawn.toFixed(1)});
  // somebody who has gone to another run meanwhile keeps what is there
  if (!part.pose || part.pose.run !== runAsked) return part.tell(said, 'other_run', {run: runAsked});
  ganPose.set({z: Float32Array.from(z), psi: 1, ...(digit === null ? {} : {digit: String(digit), to: '', share: 0})});
  part.tell(said, 'taken');
}

function tool(name) {
  pad.erase(name === 'eraser');
  for (const button of root.querySelectorAll('[data-tool]')) button.setAttribute('aria-pressed', String(button.dataset.tool === name));
}

function changed() {
  find('.lq-go').disabled = file.disabled = !part.pose;
}

for (const button of root.querySelectorAll('[data-tool]')) button.addEventListener('click', () => tool(button.dataset.tool));
find('.lq-clear').addEventListener('click', () => { pad.clear(); part.tell(said, null); });
find('.lq-go').addEventListener('click', searchDrawn);
file.addEventListener('change', searchFile);
for (const kind of ['dragover', 'drop']) {
  root.addEventListener(kind, event => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    if (kind === 'dragover') return;
    const [picture] = event.dataTransfer.files;
    if (picture && picture.size > MOST_BYTES) part.tell(said, 'too_large');
    else if (picture) search(picture);
  });
}
tool('pen');
part.begin();
