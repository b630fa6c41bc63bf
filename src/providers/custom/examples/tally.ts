import type { ProviderExample } from '../../../domain/provider-kind.js';

/** A form with uploaded files. The person is the answer to the question with an e-mail address. */
export const tally: ProviderExample = {
  id: 'tally',
  title: 'Tally (forms)',
  source: 'https://tally.so/help/webhooks',
  notes: [
    'Set the signing secret in the integration of the form: it is the secret of this channel.',
    'The links of uploaded files expire (UNVERIFIED when).',
  ],
  settings: {
    proof: 'hmac',
    proofName: 'Tally-Signature',
    hmacEncoding: 'base64',
    events: `(
  $files := data.fields[type = "FILE_UPLOAD"].value;
  $email := data.fields[type = "INPUT_EMAIL"][0].value;
  $kindOf := function($type) {
    $split($type, "/")[0] in ["image", "video", "audio"] ? $split($type, "/")[0] : "document"
  };
  eventType = "FORM_RESPONSE" and $count($files) > 0
    ? {
        "type": "message",
        "id": data.responseId,
        "from": $email ? $email : data.respondentId,
        "chat": data.formName,
        "sentAt": data.createdAt,
        "media": $files.{"kind": $kindOf(mimeType), "url": url, "type": mimeType, "filename": name}
      }
    : {"type": "ignored", "reason": "no files"}
)`,
  },
  sample: {
    contentType: 'application/json',
    body: JSON.stringify(
      {
        eventId: 'e0000000-0000-4000-8000-000000000001',
        eventType: 'FORM_RESPONSE',
        createdAt: '2026-11-21T10:00:00.000Z',
        data: {
          responseId: 'r00001',
          submissionId: 'r00001',
          respondentId: 'p00001',
          formId: 'f00001',
          formName: 'Damage report',
          createdAt: '2026-11-21T10:00:00.000Z',
          fields: [
            { key: 'q_1', label: 'Your e-mail', type: 'INPUT_EMAIL', value: 'rosa@example.org' },
            {
              key: 'q_2',
              label: 'Photos',
              type: 'FILE_UPLOAD',
              value: [
                {
                  id: 'u00001',
                  name: 'damage.jpg',
                  url: 'https://storage.tally.example/u00001.jpg',
                  mimeType: 'image/jpeg',
                  size: 81_234,
                },
              ],
            },
          ],
        },
      },
      null,
      2,
    ),
  },
};
