/** Common names for the types of files. */

const names: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'JPEG'],
  ['image/png', 'PNG'],
  ['image/gif', 'GIF'],
  ['image/webp', 'WebP'],
  ['image/avif', 'AVIF'],
  ['image/tiff', 'TIFF'],
  ['image/bmp', 'BMP'],
  ['image/heic', 'HEIC'],
  ['image/heic-sequence', 'HEIC'],
  ['image/heif', 'HEIF'],
  ['image/heif-sequence', 'HEIF'],
  ['image/jp2', 'JPEG 2000'],
  ['image/jxl', 'JPEG XL'],
  ['image/svg+xml', 'SVG'],
  ['image/x-icon', 'Icon'],
  ['image/x-tga', 'Targa'],
  ['image/x-portable-anymap', 'Netpbm'],
  ['image/vnd.adobe.photoshop', 'Photoshop'],
  ['video/mp4', 'MP4'],
  ['video/quicktime', 'QuickTime'],
  ['video/webm', 'WebM'],
  ['video/3gpp', '3GP'],
  ['video/3gpp2', '3GP'],
  ['video/matroska', 'Matroska'],
  ['video/x-matroska', 'Matroska'],
  ['audio/mpeg', 'MP3'],
  ['audio/mp4', 'MPEG-4 audio'],
  ['audio/x-m4a', 'MPEG-4 audio'],
  ['audio/quicktime', 'QuickTime audio'],
  ['audio/aac', 'AAC'],
  ['audio/ogg', 'Ogg'],
  ['audio/opus', 'Opus'],
  ['audio/amr', 'AMR'],
  ['audio/wav', 'WAV'],
  ['application/pdf', 'PDF'],
  ['application/rtf', 'RTF'],
  ['application/msword', 'Word'],
  ['application/vnd.ms-excel', 'Excel'],
  ['application/vnd.ms-powerpoint', 'PowerPoint'],
  ['application/x-cfb', 'Office'],
  ['application/vnd.oasis.opendocument.text', 'OpenDocument text'],
  ['application/vnd.oasis.opendocument.spreadsheet', 'OpenDocument table'],
  ['application/vnd.oasis.opendocument.presentation', 'OpenDocument presentation'],
  ['application/zip', 'ZIP'],
  ['application/x-rar-compressed', 'RAR'],
  ['application/x-7z-compressed', '7-Zip'],
  ['application/gzip', 'GZIP'],
  ['application/x-msdownload', 'Windows program'],
  ['application/x-elf', 'Linux program'],
  ['application/vnd.android.package-archive', 'Android app'],
  ['application/octet-stream', 'Unknown type'],
  ['application/json', 'JSON'],
  ['application/xml', 'XML'],
  ['text/html', 'Web page'],
  ['text/plain', 'Text'],
  ['text/csv', 'CSV'],
  ['text/vcard', 'Contact'],
  ['text/calendar', 'Calendar'],
]);

/** Office programs, by a part of the types that their files have had since 2007. */
const officePrograms = [
  [/wordprocessingml|ms-word\./, 'Word'],
  [/spreadsheetml|ms-excel\./, 'Excel'],
  [/presentationml|ms-powerpoint\./, 'PowerPoint'],
] as const;

/** The shortest name of a MIME type; a type without a name is returned unchanged. */
export function typeName(type: string): string {
  const plain = plainType(type);
  return names.get(plain) ?? officeName(plain) ?? shortened(plain);
}

/**
 * For messages: the MIME type, after its common name if the type alone means little to people. The types of
 * pictures and sounds are readable as they are.
 */
export function readableType(type: string): string {
  if (/^(?:image|audio)\//.test(type)) return type;
  const plain = plainType(type);
  const name = names.get(plain) ?? officeName(plain);
  return name === undefined ? type : `${name} (${type})`;
}

function plainType(type: string): string {
  return type.split(';')[0]?.trim().toLowerCase() ?? type;
}

function officeName(type: string): string | undefined {
  const program = officePrograms.find(([pattern]) => pattern.test(type))?.[1];
  if (program === undefined) return undefined;
  return type.includes('macroenabled') ? `${program} with macros` : program;
}

function shortened(type: string): string {
  const [, subtype = type] = type.split('/');
  return subtype
    .replace(/^(?:x-|vnd\.)/, '')
    .slice(0, 24)
    .toUpperCase();
}
