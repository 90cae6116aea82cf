// Playing a list of moments, as a film. The Timeline tab and a replay's timeline join this file in front of their own.

const FASTEST_MS = 80, SLOWEST_MS = 500, WHOLE_MS = 8000;

/** Shows one place after the other, up to `last()`; `show(place)` does it, and `told()` hears when playing begins or ends. */
function makePlayer({now, last, show, told}) {
  let timer = 0;

  function stop() {
    clearTimeout(timer);
    timer = 0;
  }

  function tick() {
    if (now() >= last()) { stop(); told(); return; }
    timer = setTimeout(tick, pace());
    show(now() + 1);
  }
  const pace = () => Math.max(FASTEST_MS, Math.min(SLOWEST_MS, WHOLE_MS / (last() + 1)));

  function toggle() {
    if (timer) stop();
    else {
      timer = setTimeout(tick, pace());
      show(now() >= last() ? 0 : now());
    }
    told();
  }

  return {toggle, stop, get playing() { return timer !== 0; }};
}
