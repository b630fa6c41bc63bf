/** What a camera or a program has written into a file about its origin. Every member may be missing. */
export interface FileMetadata {
  /** ISO 8601: the local time of the camera, with the offset from UTC if the file contains it. */
  readonly takenAt: string | null;
  readonly camera: string | null;
  /** Degrees, north of the equator positive. Latitude and longitude are missing together. */
  readonly latitude: number | null;
  /** Degrees, east of Greenwich positive. */
  readonly longitude: number | null;
  readonly software: string | null;
}
