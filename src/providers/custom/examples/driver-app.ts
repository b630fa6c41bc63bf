import type { ProviderExample } from '../../../domain/provider-kind.js';

/** An app of one's own: nothing has to be found out, because its developers decide. */
export const driverApp: ProviderExample = {
  id: 'driver-app',
  title: 'An app of your own',
  source: null,
  notes: [
    'The app signs the body with HMAC-SHA256 and sends links to its files.',
    'Sending posts to the app as well; the app answers with the id of the message.',
  ],
  settings: {
    proof: 'hmac',
    proofName: 'X-App-Signature',
    hmacPrefix: 'sha256=',
    events: `event = "status"
  ? {"type": "status", "id": message, "status": status, "at": time}
  : event = "message" and $count(files) > 0
    ? {
        "type": "message",
        "id": message,
        "from": driver.phone,
        "chat": tour,
        "name": driver.name,
        "caption": note,
        "sentAt": time,
        "media": files.{"kind": kind, "url": link, "type": mime, "filename": name}
      }
    : event = "message" and note
      ? {"type": "text", "id": message, "from": driver.phone, "chat": tour, "name": driver.name, "text": note, "sentAt": time}
      : {"type": "ignored", "reason": event}`,
    apiUrl: 'https://app.example.com',
    send: `{
  "path": "/v1/messages",
  "json": {"reference": id, "driver": to, "kind": kind, "link": url, "mime": type, "note": caption}
}`,
    sendId: 'body.id',
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        event: 'message',
        message: 'msg-000017',
        driver: { phone: '5511900000017', name: 'Rosa' },
        tour: 'tour-9',
        note: 'Left at the door',
        time: '2026-11-21T10:00:00.000Z',
        files: [{ kind: 'image', link: 'https://files.app.example.com/000017.jpg', mime: 'image/jpeg' }],
      },
      null,
      2,
    ),
  },
};
