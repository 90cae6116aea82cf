// The film of a training: the grid or the pose through all snapshots, made by a job of the server.

/** Runs the card. `subject()` gives {run, pose, conditional} or null; its pose is null if the run's G cannot draw it. */
function makeFilm(root, {subject}) {
  const find = name => root.querySelector(name), button = find('.tf-go'), of = find('.tf-of');
  const strip = makeJobStrip(find('.jb'), {ended: () => { button.disabled = false; }});

  async function send() {
    const {run, pose, conditional} = subject();
    const body = {run, pose: null, kind: find('.tf-kind').value, size: find('.tf-size').value, seconds: find('.tf-seconds').value};
    if (of.value === 'pose') {
      const query = {run, step: 'live', psi: pose.psi, ...classesAsked(conditional, pose)};
      body.pose = (await (await ask('pose', query, {method: 'POST', body: pose.z})).json()).text;
    }
    return ask('film/training', {}, {method: 'POST', body: JSON.stringify(body)});
  }

  button.addEventListener('click', () => {
    if (!subject()) return;
    button.disabled = true;
    strip.start(send);
  });

  /** The pose or the run may be another: what cannot be drawn is not offered. */
  function look() {
    const about = subject();
    of.lastElementChild.disabled = !about || !about.pose;
    if (of.lastElementChild.disabled) of.value = 'grid';
  }
  return {look};
}
