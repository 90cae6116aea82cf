/* The pose of this page: what G is to draw, and of which run. Whatever shows the pose or moves it follows this store.

   ganPose.pose         null before anything was sampled, else an object that is never changed, only replaced:
                        z (Float32Array), psi, digit ('' takes the digits in turn; only conditional runs look at it),
                        to and share (blends the digit with another one; to '' is no blend), seed (z was last drawn from),
                        run (id), snapshot ('live' or a step),
                        classes (that its run can be told to draw: 0 unless conditional; null until that is known)
   ganPose.on(fn)       fn(pose) now, if there is one, and after every change
   ganPose.set(changes) replaces the pose by one with these changes; undo takes a whole drag back at once
   ganPose.undo() / ganPose.redo()     true if there was something; they leave run and snapshot alone
   ganPose.past / ganPose.future       how many poses these two can reach
   ganPose.held         whether a pointer is down: what costs much may wait until it is not
*/
window.ganPose = (() => {
  const UNDOABLE = ['z', 'psi', 'digit', 'to', 'share', 'seed'], REMEMBERED = 50, ONE_GESTURE_MS = 500;
  const first = { z: new Float32Array(0), psi: 1, digit: '7', to: '', share: 0, seed: 0, run: '', snapshot: 'live', classes: null };
  const listeners = [];
  let pose = null, past = [], future = [];
  let held = false, gesture = '', changedAt = 0;         // a drag, or keys in quick succession, are one entry

  // capturing: whoever moves the pose hears of the press only afterwards
  addEventListener('pointerdown', () => { held = true; gesture = ''; }, true);
  for (const kind of ['pointerup', 'pointercancel']) addEventListener(kind, () => { held = false; gesture = ''; }, true);

  const undoable = one => Object.fromEntries(UNDOABLE.map(name => [name, one[name]]));

  function replace(changes) {
    pose = { ...(pose || first), ...changes };
    for (const listener of listeners) {
      try { listener(pose); } catch (error) { console.error(error); }
    }
  }

  function set(changes) {
    const now = performance.now(), names = Object.keys(changes).join(), fits = pose && (!changes.z || changes.z.length === pose.z.length);
    if (!fits) { past = []; future = []; }
    else if (UNDOABLE.some(name => name in changes && changes[name] !== pose[name])) {
      const together = gesture === names && (held || now - changedAt < ONE_GESTURE_MS);
      if (!together || !past.length) past = [...past, undoable(pose)].slice(-REMEMBERED);
      gesture = names;
      changedAt = now;
      future = [];
    }
    replace(changes);
  }

  function step(from, to) {
    if (!from.length) return false;
    to.push(undoable(pose));
    const back = from.pop();
    gesture = '';
    replace(back);
    return true;
  }

  return {
    get pose() { return pose; },
    get past() { return past.length; },
    get future() { return future.length; },
    get held() { return held; },
    on(listener) { listeners.push(listener); if (pose) listener(pose); },
    set,
    undo: () => step(past, future),
    redo: () => step(future, past),
  };
})();
