// Ticks. Browsers slow the timers of a page that nobody looks at to one a minute,
// with which no hold would be renewed in time, but not those of a worker.
setInterval(() => postMessage("tick"), 500);
