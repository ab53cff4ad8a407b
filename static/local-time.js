// Write times as the visitor's clock shows them; without script they are in UTC.

const { lang } = document.documentElement;
const format = new Intl.DateTimeFormat(lang === "en" ? undefined : lang, { dateStyle: "short", timeStyle: "short" });

function write() {
  for (const time of document.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}

document.addEventListener("shown", write);
write();
