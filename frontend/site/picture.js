// What the browser does with a photo before it is sent: make it small enough for a slow connection, turn it, and check
// whether it is readable. What the browser cannot decode (HEIC in most of them, TIFF) is sent as it is.

const REDUCE_OVER_BYTES = 4 * 1024 * 1024;
const LONG_SIDE = 3000; // pixels; 8-point print on a letter page stays above 25 pixels high
// A screenshot of a whole page is fifteen times as high as wide: its short side is kept, for it is as wide as a page.
const LONG = 3;
const CANVAS_PIXELS = 16_700_000; // the most that iOS gives a canvas, 4096 x 4096; a phone's longest screenshot nearly fits
const KEPT = 0.8; // of its width
const JPEG_QUALITY = 0.85;
const THUMB_SIDE = 192;

// Sharpness and light are judged on a copy of this size, away from the edges, where tables and car seats are. At this size
// pages photographed by tests/specimens (3024 x 4032) measure: unreadable 10-20, blurred 60-400, all others 480 and more.
const JUDGED_SIDE = 1200;
const JUDGED_PART = 0.7;
const DARK_BELOW = 70; // mean of 0..255
const BLURRED_BELOW = 200; // variance of the Laplacian, in the light of a well-lit page
const WELL_LIT = 200; // mean

/**
 * Prepare a photo.
 * @param {Blob} original as the camera or the gallery gave it
 * @param {number} rotation quarter turns clockwise that the agent wants
 * @returns {Promise<{ready: Blob|null, thumb: Blob|null, hints: string[]}>} `ready` is what to send in place of the
 *   original, null when that is fine; without `thumb` the browser could not decode it
 */
export async function prepare(original, rotation) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(original, { imageOrientation: "from-image" });
    return await prepared(bitmap, original, rotation);
  } catch {
    return { ready: null, thumb: null, hints: [] }; // not decodable here, or no memory for it; the server decides
  } finally {
    bitmap?.close();
  }
}

async function prepared(bitmap, original, rotation) {
  const side = Math.max(bitmap.width, bitmap.height);
  const long = side > LONG * Math.min(bitmap.width, bitmap.height);
  const hints = long ? [] : judge(draw(bitmap, JUDGED_SIDE / side, 0)); // reduced to that, a long one is a blur
  const thumb = await encode(draw(bitmap, THUMB_SIDE / side, rotation), 0.7);
  const scale = long ? Math.sqrt(CANVAS_PIXELS / (bitmap.width * bitmap.height)) : LONG_SIDE / side;
  let ready = null;
  // One that would have to be reduced by much goes as it is, however slow the connection: a smaller one would be unreadable.
  if (rotation || (original.size > REDUCE_OVER_BYTES && !(long && scale < KEPT))) {
    ready = await encode(draw(bitmap, scale, rotation), JPEG_QUALITY);
    if (!rotation && ready.size >= original.size) ready = null;
  }
  return { ready, thumb, hints };
}

/** Draw a picture, turned, and at most as large as it is. */
function draw(bitmap, wanted, rotation) {
  const scale = Math.min(1, wanted);
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const sideways = rotation % 2 === 1;
  const canvas = document.createElement("canvas");
  canvas.width = sideways ? height : width;
  canvas.height = sideways ? width : height;
  const pen = canvas.getContext("2d", { willReadFrequently: Math.max(width, height) === JUDGED_SIDE });
  pen.fillStyle = "#fff"; // a PNG may be transparent, a JPEG cannot
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate((rotation * Math.PI) / 2);
  pen.drawImage(bitmap, -width / 2, -height / 2, width, height);
  return canvas;
}

function encode(canvas, quality) {
  return new Promise((resolve, reject) => {
    const take = (blob) => {
      // Phones give the memory of a canvas back only when it is empty.
      canvas.width = canvas.height = 0;
      if (blob) resolve(blob);
      else reject(new Error("The browser could not encode the picture."));
    };
    canvas.toBlob(take, "image/jpeg", quality);
  });
}

/** Return what is wrong with a photo: "dark", "blurred", or nothing. */
function judge(canvas) {
  const width = Math.floor(canvas.width * JUDGED_PART);
  const height = Math.floor(canvas.height * JUDGED_PART);
  if (width < 3 || height < 3) return [];
  const left = Math.floor((canvas.width - width) / 2);
  const top = Math.floor((canvas.height - height) / 2);
  const grey = greyOf(canvas.getContext("2d").getImageData(left, top, width, height).data);
  canvas.width = canvas.height = 0; // as in encode
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  if (mean < DARK_BELOW) return ["dark"];
  // Edges are as strong as the light: half the light is half the step and a quarter of the variance.
  return laplacianVariance(grey, width, height) * (WELL_LIT / mean) ** 2 < BLURRED_BELOW ? ["blurred"] : [];
}

function greyOf(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let i = 0, j = 0; i < grey.length; i += 1, j += 4) grey[i] = (rgba[j] * 77 + rgba[j + 1] * 150 + rgba[j + 2] * 29) >> 8;
  return grey;
}

/** Variance of the Laplacian (Pech-Pacheco et al. 2000): small where nothing has an edge. */
function laplacianVariance(grey, width, height) {
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      const value = grey[i - 1] + grey[i + 1] + grey[i - width] + grey[i + width] - 4 * grey[i];
      sum += value;
      squares += value * value;
    }
  }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}
