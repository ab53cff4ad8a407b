// Write times as the visitor's clock shows them; without script they are in UTC.

const { lang } = document.documentElement;
const locale = lang === "en" ? undefined : lang;
const format = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" }); // for what is soon

function write() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = ("clock" in time.dataset ? clock : format).format(new Date(time.dateTime));
  }
}

document.addEventListener("shown", write);
write();
