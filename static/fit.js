// Make photos smaller that have more bytes or pixels than the server takes.

const limits = document.querySelector("[data-max-bytes]").dataset; // the server's
export const MAX_BYTES = Number(limits.maxBytes); // checked before the upload, not after it
const MAX_PIXELS = Number(limits.maxPixels); // beyond these the server takes not every kind of photo
const SHORT_SIDE = Number(limits.shortSide); // px of a photo made smaller

/** Return a photo, made smaller if it has more bytes or pixels than the server takes. */
export async function fit(file) {
  const isLarge = file.size > MAX_BYTES || (await countPixels(file)) > MAX_PIXELS;
  return isLarge ? await shrink(file) : file;
}

/** Count a photo's pixels without decoding them; 0 if this browser cannot read it. */
async function countPixels(file) {
  const picture = new Image();
  picture.src = URL.createObjectURL(file);
  await new Promise((resolve) => {
    picture.onload = picture.onerror = resolve;
  });
  URL.revokeObjectURL(picture.src);
  return picture.naturalWidth * picture.naturalHeight;
}

/** Return a photo in sRGB as large as the server needs, or unchanged if this browser cannot read it. */
export async function shrink(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SHORT_SIDE / Math.min(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    const context = canvas.getContext("2d", { colorSpace: "srgb" });
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    // WebP stays transparent, for the server to choose what to lay it over.
    const type = file.type === "image/jpeg" ? file.type : "image/webp";
    const blob = await canvas.convertToBlob({ type, quality: 0.9 });
    return new File([blob], file.name, { type: blob.type });
  } catch {
    return file;
  }
}
