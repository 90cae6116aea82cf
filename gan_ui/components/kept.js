// How the keeping of runs on the Hub goes; see Status in gan_core/hub_keep.py.
const OFTEN_MS = 2000, SELDOM_MS = 20000;
const line = element.querySelector('.kp');
let status = null;

function show() {
  if (!status) return;
  const word = (key, values) => ganLive.t('kept.' + key, values), {doing, repo, done, count, damaged, at, error, pause} = status;
  const words = [
    doing === 'failing' ? word('failing', {repo, why: error[ganLive.language] || error.en, seconds: Math.round(pause)})
    : doing === 'restoring' ? word('restoring', {repo, done, count})
    : at ? word('kept', {repo, time: new Date(at * 1000).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', hour12: false})}) : word('watching', {repo}),
    damaged ? word('damaged', {damaged}) : '',
  ].filter(Boolean).join(' ');
  line.dataset.doing = doing;
  if (line.textContent !== words) line.textContent = words;
}

async function ask() {
  if (!element.isConnected) return;
  if (!document.hidden) {
    try {
      const response = await fetch('gradio_api/lab/share/kept', {signal: AbortSignal.timeout(10000)});
      if (response.ok) status = await response.json();
      show();
    } catch { /* the page says elsewhere that the server is away */ }
  }
  setTimeout(ask, status && status.doing === 'kept' ? SELDOM_MS : OFTEN_MS);
}

ganLive.on('language', show);
ask();
