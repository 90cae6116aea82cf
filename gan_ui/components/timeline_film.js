// The film of a training: the grid or the pose through all snapshots, made by a job of the server.

/** Runs the card. `subject()` gives {run, pose} or null. */
function makeFilm(root, {subject}) {
  const find = name => root.querySelector(name), button = find('.tf-go');
  const strip = makeJobStrip(find('.jb'), {ended: () => { button.disabled = false; }});

  async function send() {
    const {run, pose} = subject(), body = {run, pose: null, kind: find('.tf-kind').value, size: find('.tf-size').value, seconds: find('.tf-seconds').value};
    if (find('.tf-of').value === 'pose' && pose) {     // without a snapshot there is no pose, and no film either
      const classes = pose.digit === '' ? {} : {digit: pose.digit, ...(pose.to === '' ? {} : {to: pose.to, share: pose.share})};
      const query = {run, step: 'live', psi: pose.psi, ...(pose.conditional ? classes : {})};
      body.pose = (await (await ask('pose', query, {method: 'POST', body: pose.z})).json()).text;
    }
    return ask('film/training', {}, {method: 'POST', body: JSON.stringify(body)});
  }

  button.addEventListener('click', () => {
    if (!subject()) return;
    button.disabled = true;
    strip.start(send);
  });
}
