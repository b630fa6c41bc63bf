import type { ProviderExample } from '../../../domain/provider-kind.js';

/** A gateway for WhatsApp that one runs oneself. Its files are links of its own, behind its key. */
export const waha: ProviderExample = {
  id: 'waha',
  title: 'WAHA (WhatsApp)',
  source: 'https://waha.devlike.pro/docs/how-to/events/',
  notes: [
    'Set hmac.key in the webhook of the session to the secret of this channel, and choose the events message and message.ack.',
    'Give the key of WAHA as mediaHeader and apiHeader: "X-Api-Key: …", and its host as one of mediaHosts.',
  ],
  settings: {
    proof: 'hmac',
    proofName: 'X-Webhook-Hmac',
    hmacAlgorithm: 'sha512',
    mediaHosts: 'waha.example.com',
    events: `(
  $person := function($id) { $contains($id, "@c.us") ? $substringBefore($id, "@") : $id };
  $kindOf := function($type) {
    $type = "image/webp" ? "sticker"
      : $split($type, "/")[0] in ["image", "video", "audio"] ? $split($type, "/")[0] : "document"
  };
  $statuses := {"-1": "failed", "1": "sent", "2": "delivered", "3": "read", "4": "read"};
  $isGroup := $contains(payload.from, "@g.us");
  $isMessage := event in ["message", "message.any"];
  $message := {
    "id": payload.id,
    "direction": payload.fromMe ? "outbound" : "inbound",
    "from": $person($isGroup and payload.participant ? payload.participant : payload.from),
    "to": $person(payload.to),
    "chat": $isGroup ? payload.from,
    "sentAt": payload.timestamp
  };
  event = "message.ack"
    ? ($exists($lookup($statuses, $string(payload.ack)))
        ? {"type": "status", "id": payload.id, "status": $lookup($statuses, $string(payload.ack))}
        : {"type": "ignored", "reason": "pending"})
    : $isMessage and payload.hasMedia
      ? $merge([$message, {
          "type": "message",
          "caption": payload.body,
          "media": {
            "kind": $kindOf(payload.media.mimetype),
            "url": payload.media.url,
            "type": payload.media.mimetype,
            "filename": payload.media.filename
          }
        }])
      : $isMessage and payload.body
        ? $merge([$message, {"type": "text", "text": payload.body}])
        : {"type": "ignored", "reason": event}
)`,
    apiUrl: 'https://waha.example.com',
    send: `{
  "path": kind = "image" ? "/api/sendImage" : kind = "video" ? "/api/sendVideo" : "/api/sendFile",
  "json": {
    "session": "default",
    "chatId": to & "@c.us",
    "reply_to": replyTo,
    "file": {"url": url, "mimetype": type, "filename": filename},
    "caption": caption
  }
}`,
    sendId: 'body.id._serialized ? body.id._serialized : body.id',
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        id: 'evt_00000000000000000000000017',
        timestamp: 1_795_255_200_000,
        session: 'default',
        event: 'message',
        payload: {
          id: 'false_5511900000017@c.us_WA0000000000000017',
          timestamp: 1_795_255_200,
          from: '5511900000017@c.us',
          fromMe: false,
          to: '5511800000001@c.us',
          body: 'The colour',
          hasMedia: true,
          media: {
            url: 'https://waha.example.com/api/files/default/WA0000000000000017.jpeg',
            mimetype: 'image/jpeg',
            filename: null,
          },
        },
      },
      null,
      2,
    ),
  },
};
