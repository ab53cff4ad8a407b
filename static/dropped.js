// Find the photos in folders that a visitor drops on the page.

const SUFFIX = /\.(jpe?g|jpe|jif|jfif|png|webp|gif|avif|heic|heif|hif)$/i;
const HIDDEN = /^(\.|@eaDir$|#recycle$|__MACOSX$|\$RECYCLE\.BIN$)/i;

/** Return what was dropped; only while the event lasts. */
export function entriesOf(transfer) {
  return [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
}

/** Return the photos in files and folders, at any depth, until there are `most`. */
export async function photosIn(entries, most) {
  const photos = [];
  const waiting = [...entries];
  while (waiting.length && photos.length < most) {
    const entry = waiting.shift();
    if (HIDDEN.test(entry.name)) continue;
    if (entry.isDirectory) waiting.unshift(...(await contentOf(entry)));
    else if (SUFFIX.test(entry.name)) photos.push(await new Promise((...both) => entry.file(...both)));
  }
  return photos;
}

async function contentOf(folder) {
  const reader = folder.createReader();
  const content = [];
  for (;;) {
    const some = await new Promise((...both) => reader.readEntries(...both)); // up to 100 at a time
    if (!some.length) return content.sort((one, other) => one.name.localeCompare(other.name));
    content.push(...some);
  }
}
