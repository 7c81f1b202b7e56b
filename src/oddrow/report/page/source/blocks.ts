// The data blocks of the file: base64 of zlib-compressed bytes in inert script elements.

/** The bytes of a block; null if the file has no block of this name. */
export async function readBlock(name: string): Promise<Uint8Array | null> {
  const element = document.getElementById(`data-${name}`);
  if (!element) return null;
  const stream = new Blob([bytesOf(element.textContent ?? "")]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  element.remove(); // the text is read once; without it the page holds each block only once
  return bytes;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const trimmed = text.trim();
  const direct = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (direct) return direct.call(Uint8Array, trimmed);
  const letters = atob(trimmed);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  return bytes;
}

function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.byteLength >> 2 }, (_, place) => view.getUint32(4 * place, true));
}

/** Whole numbers of 16 bits, little endian. */
export function halfWords(bytes: Uint8Array): Uint16Array {
  if (littleEndian && bytes.byteOffset % 2 === 0) return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.byteLength >> 1 }, (_, place) => view.getUint16(2 * place, true));
}

/** Numbers of 64 bits, little endian. */
export function doubles(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength >> 3 }, (_, place) => view.getFloat64(8 * place, true));
}

/** Descending levels from their first one and the steps down from each to the next. */
export function levels(bytes: Uint8Array): Uint32Array {
  const steps = wordsOf(bytes);
  for (let place = 1; place < steps.length; place++) steps[place] = steps[place - 1] - steps[place];
  return steps;
}

/** Whole numbers of 32 bits that the caller may change. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  return littleEndian && bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
    : words(bytes);
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
