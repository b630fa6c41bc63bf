/**
 * Renders pages of a PDF with PDFium as WebAssembly: a build without JavaScript and XFA, which reads
 * the given document and nothing else. It runs in the isolated process, so that a document that takes too
 * long or needs too much memory ends with that process.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { PDFiumModule } from '@hyzyla/pdfium';

import { previewEdge } from '../../domain/media.js';
import type { RawPicture } from './tiff.js';
import { boundGrowth, memoriesOf, type MemoryBound } from './wasm-memory.js';

export type RenderedPage = Pick<RawPicture, 'width' | 'height' | 'channels' | 'pixels'>;

/**
 * `locked`: a password is required. `large`: it needs too much memory. `missing`: it has no such page.
 * `unreadable`: this page cannot be rendered, but others may be.
 */
export interface PdfProblem {
  readonly problem: 'locked' | 'large' | 'broken' | 'missing' | 'unreadable';
}

export type PdfAnswer = { readonly page: RenderedPage } | PdfProblem;

/** The pages of a document in their order. */
export interface PageList {
  /** How many pages there are. */
  readonly count: number;
  /** The sizes in pixels at which pages are rendered, of the first thousand at most. */
  readonly sizes: readonly PixelSize[];
}

interface PixelSize {
  readonly width: number;
  readonly height: number;
}

type Pdfium = Awaited<ReturnType<typeof PDFiumModule>> & {
  /** Writes two floats; returns 0 if the page cannot be read. The module's types lack it. */
  readonly _FPDF_GetPageSizeByIndexF: (document: number, index: number, size: number) => number;
};
/** The module's own types are for browsers. */
type StartPdfium = (options: { readonly instantiateWasm: Instantiate }) => Promise<Pdfium>;
type Instantiate = (imports: object, receive: (instance: WebAssembly.Instance) => void) => object;

/** Limit of the module: the document, PDFium's data, and the page. */
const maxMemoryBytes = 402_653_184;
/** PDFium's code for a missing or wrong password. */
const passwordError = 4;
/** `FPDFBitmap_BGRA`, which the flag below turns into RGBA. */
const bitmapFormat = 4;
/** `FPDF_REVERSE_BYTE_ORDER`, and `FPDF_ANNOT` for notes and stamps. */
const reverseByteOrder = 16;
const withAnnotations = 1;
const white = 0xffffffff;
/** The structure that PDFium requires to draw forms: 140 bytes, all zero except its version. */
const formBytes = 256;
const formVersion = 2;

const require = createRequire(import.meta.url);
/** Compiled once; each document gets its own memory. */
let compiled: WebAssembly.Module | undefined;

/** Larger lists are of no use to a person, and each size takes a moment. */
const maxListed = 1_000;

/** Draws a page on white so that it fits the large preview. The first page is 0. Never rejects. */
export function renderPage(bytes: Buffer, index: number): Promise<PdfAnswer> {
  return withDocument<PdfAnswer>(bytes, (pdfium, document) => {
    if (index >= pdfium._FPDF_GetPageCount(document)) return { problem: index === 0 ? 'broken' : 'missing' };
    const page = pdfium._FPDF_LoadPage(document, index);
    if (page === 0) return { problem: 'unreadable' };
    const points = { width: pdfium._FPDF_GetPageWidth(page), height: pdfium._FPDF_GetPageHeight(page) };
    if (!hasArea(points)) return { problem: 'unreadable' };
    return { page: draw(pdfium, { document, page, points }) };
  });
}

/** Never rejects. */
export function listPages(bytes: Buffer): Promise<PageList | PdfProblem> {
  return withDocument<PageList | PdfProblem>(bytes, (pdfium, document) => {
    const count = pdfium._FPDF_GetPageCount(document);
    if (count === 0) return { problem: 'broken' };
    const sizes = Array.from({ length: Math.min(count, maxListed) }, (_, index) =>
      pixelSizeOf(pageSize(pdfium, document, index)),
    );
    return { count, sizes };
  });
}

async function withDocument<Answer>(
  bytes: Buffer,
  use: (pdfium: Pdfium, document: number) => Answer,
): Promise<Answer | PdfProblem> {
  const bound: MemoryBound = { maxBytes: maxMemoryBytes, isExceeded: false };
  try {
    const pdfium = await load(bound);
    const document = pdfium._FPDF_LoadMemDocument(copyInto(pdfium, bytes), bytes.length, 0);
    if (document !== 0) return use(pdfium, document);
    if (pdfium._FPDF_GetLastError() === passwordError) return { problem: 'locked' };
  } catch {
    // PDFium has ended, or an allocation failed.
  }
  return { problem: bound.isExceeded ? 'large' : 'broken' };
}

/**
 * The size of a page in points, without loading it. A page that cannot be read, or that has no area that a
 * picture can have, has the size of a square.
 */
function pageSize(pdfium: Pdfium, document: number, index: number): PixelSize {
  const size = allocate(pdfium, 2 * Float32Array.BYTES_PER_ELEMENT);
  const isKnown = pdfium._FPDF_GetPageSizeByIndexF(document, index, size) !== 0;
  const [width = 0, height = 0] = new Float32Array(pdfium.HEAPU8.slice(size, size + 8).buffer);
  pdfium.wasmExports.free(size);
  return isKnown && hasArea({ width, height }) ? { width, height } : { width: 1, height: 1 };
}

/** The boxes of a page may lie beside each other, be endless, or be no numbers. */
function hasArea({ width, height }: PixelSize): boolean {
  return Math.min(width, height) > 0 && Math.max(width, height) < Infinity;
}

/** The size at which a page of so many points is rendered. */
function pixelSizeOf(points: PixelSize): PixelSize {
  const scale = previewEdge.large / Math.max(points.width, points.height);
  return {
    width: Math.max(1, Math.round(points.width * scale)),
    height: Math.max(1, Math.round(points.height * scale)),
  };
}

async function load(bound: MemoryBound): Promise<Pdfium> {
  compiled ??= new WebAssembly.Module(readFileSync(require.resolve('@hyzyla/pdfium/pdfium.wasm')));
  const code = compiled;
  const start = PDFiumModule as unknown as StartPdfium;
  const pdfium = await start({
    instantiateWasm: (imports, receive) => {
      const instance = new WebAssembly.Instance(code, imports);
      for (const memory of memoriesOf(instance.exports, imports, ...(Object.values(imports) as object[])))
        boundGrowth(memory, bound);
      receive(instance);
      return instance.exports;
    },
  });
  const config = allocate(pdfium, 20);
  pdfium.HEAPU8.fill(0, config, config + 20);
  pdfium.HEAP32[config / 4] = formVersion;
  pdfium._FPDF_InitLibraryWithConfig(config as unknown as object);
  return pdfium;
}

function allocate(pdfium: Pdfium, size: number): number {
  const pointer = pdfium.wasmExports.malloc(size);
  if (pointer === 0) throw new Error('out of memory');
  return pointer;
}

function copyInto(pdfium: Pdfium, bytes: Uint8Array): number {
  const pointer = allocate(pdfium, bytes.length);
  pdfium.HEAPU8.set(bytes, pointer);
  return pointer;
}

function draw(
  pdfium: Pdfium,
  {
    document,
    page,
    points,
  }: { readonly document: number; readonly page: number; readonly points: PixelSize },
): RenderedPage {
  const { width, height } = pixelSizeOf(points);
  const size = width * height * 4;
  const at = allocate(pdfium, size);
  const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, bitmapFormat, at, width * 4);
  pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white);
  pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, reverseByteOrder | withAnnotations);
  drawForm(pdfium, document, (form) => {
    pdfium._FORM_OnAfterLoadPage(page, form);
    pdfium._FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, reverseByteOrder);
  });
  return { width, height, channels: 3, pixels: withoutOpacity(pdfium.HEAPU8.subarray(at, at + size)) };
}

/** All pixels are opaque, because the page is drawn on white. */
function withoutOpacity(pixels: Uint8Array): Uint8Array {
  const opaque = new Uint8Array((pixels.length / 4) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3)
    opaque.set(pixels.subarray(from, from + 3), to);
  return opaque;
}

/** Filled-in fields are drawn separately. */
function drawForm(pdfium: Pdfium, document: number, drawIt: (form: number) => void): void {
  const callbacks = allocate(pdfium, formBytes);
  pdfium.HEAPU8.fill(0, callbacks, callbacks + formBytes);
  pdfium.HEAP32[callbacks / 4] = formVersion;
  const form = pdfium._FPDFDOC_InitFormFillEnvironment(document, callbacks);
  if (form !== 0) drawIt(form);
}
