/** How a code meets a person: the HTTP status and one sentence in each language, saying what to do. `{x}` are details. */
interface ErrorEntry {
  readonly status: number;
  readonly vi: string;
  readonly en: string;
}

/** Every error that leaves a deployable. docs/errors.md lists the same codes; a test compares the two. */
export const errorCatalogue = {
  // requests
  INPUT_INVALID: {
    status: 400,
    vi: 'Thông tin gửi lên chưa đúng ({field}). Anh/chị xem lại rồi gửi lần nữa.',
    en: 'The request is not valid ({field}). Check it and send it again.',
  },
  NOT_FOUND: { status: 404, vi: 'Không tìm thấy trang này.', en: 'There is nothing here.' },
  TOO_MANY_REQUESTS: {
    status: 429,
    vi: 'Đã thử quá nhiều lần. Đợi {seconds} giây rồi thử lại.',
    en: 'Too many attempts. Wait {seconds} seconds and try again.',
  },
  INTERNAL: {
    status: 500,
    vi: 'Máy chủ gặp sự cố, việc vừa rồi chưa được lưu. Thử lại sau ít phút; nếu vẫn lỗi, báo quản trị huyện mã {requestId}.',
    en: 'The server failed and nothing was saved. Try again; if it persists report {requestId}.',
  },
  DISK_FULL: {
    status: 507,
    vi: 'Ổ đĩa máy chủ đã đầy nên chưa lưu được. Báo quản trị huyện dọn ổ đĩa rồi thử lại.',
    en: 'The disk of the server is full; nothing was saved. Free space and try again.',
  },
  // people
  SIGN_IN_REQUIRED: {
    status: 401,
    vi: 'Phiên làm việc đã hết. Đăng nhập lại để tiếp tục.',
    en: 'The session has ended. Sign in again to go on.',
  },
  SIGN_IN_WRONG: {
    status: 401,
    vi: 'Tên đăng nhập hoặc mật khẩu chưa đúng.',
    en: 'The user name or the password is wrong.',
  },
  SIGN_IN_LINK_USED: {
    status: 401,
    vi: 'Liên kết đăng nhập này đã dùng hoặc đã hết hạn. Khởi động lại máy chủ để lấy liên kết mới.',
    en: 'This sign-in link was used or has expired. Restart the server for a new one.',
  },
  FORBIDDEN: {
    status: 403,
    vi: 'Anh/chị chưa được giao quyền làm việc này. Nhờ quản trị huyện.',
    en: 'You do not have the right to do this. Ask the administrator.',
  },
  USERNAME_TAKEN: {
    status: 409,
    vi: 'Tên đăng nhập “{username}” đã có người dùng. Chọn tên khác.',
    en: 'The user name “{username}” is taken. Choose another.',
  },
  PASSWORD_WRONG: {
    status: 422,
    vi: 'Mật khẩu hiện tại chưa đúng, nên chưa đổi. Gõ lại mật khẩu đang dùng.',
    en: 'The current password is wrong; nothing was changed. Type the one in use.',
  },
  // audio
  AUDIO_EMPTY: {
    status: 422,
    vi: 'Tệp rỗng. Chọn tệp khác có âm thanh.',
    en: 'The file is empty. Choose one with sound in it.',
  },
  AUDIO_NOT_SOUND: {
    status: 422,
    vi: 'Tệp không phải âm thanh. Dùng mp3, m4a, wav, flac hoặc ogg.',
    en: 'The file is not audio. Use mp3, m4a, wav, flac or ogg.',
  },
  AUDIO_TOO_BIG: {
    status: 413,
    vi: 'Tệp lớn hơn {limitMB} MB. Nén lại thành mp3 hoặc cắt ngắn rồi tải lên.',
    en: 'The file is larger than {limitMB} MB. Compress it to mp3 or shorten it.',
  },
  AUDIO_TRUNCATED: {
    status: 422,
    vi: 'Tệp bị cụt, không đọc được đến hết. Lấy lại bản đầy đủ rồi tải lên.',
    en: 'The file is cut off and can not be read to its end. Get a complete copy.',
  },
  AUDIO_TOO_SHORT: {
    status: 422,
    vi: 'Tệp không có tiếng nào để phát. Chọn tệp khác.',
    en: 'There is no sound in the file to play. Choose another.',
  },
  AUDIO_TOO_LONG: {
    status: 422,
    vi: 'Tệp dài hơn {limitMinutes} phút. Cắt thành nhiều phần rồi tải lên.',
    en: 'The file is longer than {limitMinutes} minutes. Cut it into parts.',
  },
  AUDIO_TIMEOUT: {
    status: 422,
    vi: 'Máy chủ xử lý tệp này quá lâu nên đã dừng. Thử lại, hoặc lưu tệp sang mp3 rồi tải lên.',
    en: 'The file took too long to process. Try again, or save it as mp3 first.',
  },
  AUDIO_UPLOAD_BROKEN: {
    status: 400,
    vi: 'Đường truyền đứt khi đang tải lên, chưa lưu gì. Tải lại tệp.',
    en: 'The upload broke off and nothing was saved. Upload the file again.',
  },
  AUDIO_BUSY: {
    status: 503,
    vi: 'Máy chủ đang xử lý nhiều tệp khác. Đợi một phút rồi tải lên lại.',
    en: 'The server is busy with other files. Wait a minute and upload again.',
  },
  FFMPEG_MISSING: {
    status: 503,
    vi: 'Máy chủ chưa cài ffmpeg nên chưa nhận tệp được. Báo quản trị huyện.',
    en: 'ffmpeg is not installed. Install it (apt-get install ffmpeg) and restart.',
  },
  // broadcasts
  TIME_PAST: {
    status: 422,
    vi: 'Giờ phát {time} đã qua. Chọn giờ muộn hơn, hoặc bấm Phát ngay.',
    en: 'The time {time} has passed. Choose a later one, or play now.',
  },
  TIME_TOO_FAR: {
    status: 422,
    vi: 'Chỉ đặt lịch được trong {days} ngày tới. Chọn ngày gần hơn.',
    en: 'Broadcasts can be scheduled {days} days ahead at most.',
  },
  NO_RECEIVER: {
    status: 422,
    vi: 'Chưa chọn loa nào. Chọn ít nhất một nơi nghe có loa.',
    en: 'No receiver is chosen. Choose at least one place that has one.',
  },
  QUIET_HOURS: {
    status: 422,
    vi: 'Trong giờ yên tĩnh {from}–{to}, chỉ bản tin khẩn cấp được phát.',
    en: 'In the quiet hours {from}–{to} only emergencies may sound.',
  },
  BROADCAST_OVER: {
    status: 409,
    vi: 'Bản tin này đã phát xong hoặc đã dừng.',
    en: 'This broadcast is over or was stopped already.',
  },
  LIVE_BUSY: {
    status: 409,
    vi: '{person} đang nói trực tiếp tới loa này. Đợi xong rồi nói.',
    en: '{person} is speaking live to these receivers. Wait until it ends.',
  },
  LIVE_SILENT: {
    status: 408,
    vi: 'Không nhận được tiếng trong {seconds} giây nên đã dừng phát. Kiểm tra micro và mạng rồi nói lại.',
    en: 'No sound came for {seconds} seconds, so the broadcast was ended. Check the microphone and the network.',
  },
  // receivers
  DEVICE_OFFLINE: {
    status: 409,
    vi: 'Không gửi được: loa chưa nối mạng.',
    en: 'Can not be sent: the receiver is offline.',
  },
  DEVICE_SILENT: {
    status: 504,
    vi: 'Loa chưa gửi tiếng về. Thử lại sau ít giây.',
    en: 'The receiver has not sent its sound. Try again in a few seconds.',
  },
  DEVICE_UNKNOWN: {
    status: 401,
    vi: 'Máy thu chưa được nhận vào hệ thống.',
    en: 'This receiver is not known. Join it again.',
  },
  // joining
  CODE_UNKNOWN: {
    status: 404,
    vi: 'Không có loa nào đang chờ với mã này. Nghe lại mã rồi nhập từng số; nếu loa đã im, tắt nguồn loa rồi bật lại.',
    en: 'No receiver waits with this code. Listen again; if it is silent switch the receiver off and on.',
  },
  CODE_EXPIRED: {
    status: 410,
    vi: 'Mã này đã quá 15 phút. Loa đã có mã mới: tắt nguồn loa rồi bật lại, nghe và nhập mã mới.',
    en: 'This code is older than 15 minutes. Switch the receiver off and on and enter the new one.',
  },
  CODE_USED: {
    status: 409,
    vi: 'Mã này đã dùng rồi. Xem trang Cụm loa: có thể loa đã được thêm. Nếu chưa, tắt nguồn loa rồi bật lại để lấy mã mới.',
    en: 'This code was used already. The receiver may be listed; if not, switch it off and on for a new code.',
  },
  CODE_SHARED: {
    status: 409,
    vi: 'Có hai máy cùng đọc mã này nên không nhận máy nào. Đợi loa đọc mã mới rồi nhập mã đó.',
    en: 'Two boards showed this code, so neither is let in. Wait for the new code and enter that.',
  },
  CODES_LOCKED: {
    status: 429,
    vi: 'Có quá nhiều mã sai trong hệ thống nên tạm khóa nhập mã thêm {minutes} phút; mã của anh/chị chưa được kiểm tra. Sau đó tắt nguồn loa rồi bật lại và nhập mã mới. Cần gấp thì gọi quản trị huyện.',
    en: 'Too many wrong codes were tried, so none is looked at for {minutes} more minutes, yours neither. Then switch the receiver off and on and enter its new code.',
  },
  NUMBER_TAKEN: {
    status: 409,
    vi: 'Số {number} ở đây đã có loa. Chọn số khác, ví dụ {free}.',
    en: 'Number {number} is taken here. Choose another, for instance {free}.',
  },
  // starting
  PORT_TAKEN: {
    status: 500,
    vi: 'Cổng {port} đang được chương trình khác dùng. Tắt chương trình đó hoặc đặt {variable}.',
    en: 'Port {port} is in use by another program. Stop it, or set {variable}.',
  },
  DATA_LOCKED: {
    status: 500,
    vi: 'Loa Làng đang chạy trên thư mục {folder}. Tắt bản kia trước, hoặc đặt LOALANG_DATA.',
    en: 'Loa Làng already runs on {folder}. Stop it first, or set LOALANG_DATA.',
  },
  DATABASE_FAILED: {
    status: 500,
    vi: 'Không mở được cơ sở dữ liệu: {detail}',
    en: 'The database could not be opened: {detail}',
  },
  CONFIGURATION_INVALID: {
    status: 500,
    vi: 'Cấu hình sai ở {variable}: {detail}',
    en: 'The configuration is wrong at {variable}: {detail}',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** An error of the catalogue. Match on `code`; the message is English, for logs. */
export class LoaLangError extends Error {
  override readonly name = 'LoaLangError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(`${code}: ${sentence(code, 'en', details)}`, options);
    this.code = code;
    this.details = details;
  }
}

/** The sentence for a person, with the details filled in. */
export function sentence(code: ErrorCode, language: 'vi' | 'en', details: ErrorDetails = {}): string {
  return errorCatalogue[code][language].replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(details[name] ?? whole),
  );
}
