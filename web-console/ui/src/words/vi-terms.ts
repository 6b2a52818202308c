import type {
  CellState,
  DeviceState,
  Fault,
  MissedReason,
  PersonRole,
  Priority,
  TimeAlarm,
  UnitKind,
} from '@loalang/shared';

/** What the contract's own words are called in Vietnamese; a new one there does not compile here until it has a name. */
export const terms = {
  kinds: { file: 'Tệp ghi âm', live: 'Nói trực tiếp' },
  priorities: { normal: 'thông thường', priority: 'ưu tiên', emergency: 'khẩn cấp' } satisfies Record<
    Priority,
    string
  >,
  unitKinds: {
    province: 'tỉnh',
    district: 'huyện',
    town: 'thị trấn',
    commune: 'xã',
    village: 'thôn',
    group: 'tổ dân phố',
  } satisfies Record<UnitKind, string>,
  roles: { operator: 'Cán bộ truyền thanh', administrator: 'Quản trị' } satisfies Record<PersonRole, string>,
  cells: {
    waiting: 'chưa về',
    cached: 'đã về máy',
    playing: 'đang phát',
    played: 'phát đủ',
    partial: 'phát thiếu',
    missed: 'không phát',
    unconfirmed: 'chưa có xác nhận',
  } satisfies Record<CellState, string>,
  deviceStates: {
    playing: 'Đang phát',
    ready: 'Sẵn sàng',
    offline: 'Mất kết nối',
    'no-clock': 'Chưa biết giờ',
    fault: 'Có hỏng hóc',
    'never-seen': 'Chưa nối lần nào',
  } satisfies Record<DeviceState, string>,
  deviceNotes: {
    offline: 'Nhờ người ở gần xem điện và mạng của loa.',
    'no-clock': 'Loa chưa biết giờ đúng nên chưa phát theo lịch; vẫn phát trực tiếp được.',
    'never-seen': 'Kiểm tra điện, mạng và mã nhận loa.',
  },
  timeAlarms: {
    unkept: {
      title: 'Bộ giữ giờ chung của các loa không chạy',
      note: 'Loa tự giữ giờ được vài giờ, sau đó có thể phát lệch nhau. Báo ngay người phụ trách máy chủ.',
    },
    off: {
      title: 'Đồng hồ máy chủ lệch giờ phát hơn 1 giây',
      note: 'Các loa vẫn phát khớp nhau, nhưng có thể sớm hoặc muộn. Báo người phụ trách máy chủ xem lại giờ.',
    },
    unsynchronised: {
      title: 'Đồng hồ máy chủ chưa theo giờ chuẩn',
      note: 'Các loa vẫn phát khớp nhau, nhưng giờ phát sẽ sai dần. Báo người phụ trách máy chủ bật tự chỉnh giờ.',
    },
  } satisfies Record<TimeAlarm, { title: string; note: string }>,
  faults: {
    'amplifier-no-current': 'âm-li không có dòng điện',
    overheated: 'máy quá nóng',
    'disk-full': 'ổ lưu của loa đã đầy',
    'mains-lost': 'mất điện lưới, đang chạy pin',
    'sink-failed': 'đường ra tiếng bị hỏng',
    'rtc-failed': 'đồng hồ chạy pin sai giờ, cần thay pin',
    'clock-unknown': 'chưa biết giờ đúng',
  } satisfies Record<Fault, string>,
  missed: {
    'asset-missing': 'tệp âm thanh chưa về máy',
    'asset-corrupt': 'tệp âm thanh về máy bị lỗi',
    'clock-unknown': 'loa chưa biết giờ đúng',
    'quiet-hours': 'rơi vào giờ yên tĩnh',
    interrupted: 'bị bản tin khác ngắt',
    stopped: 'đã dừng theo lệnh',
    muted: 'loa đang tắt tiếng',
    'powered-off': 'loa mất điện',
    'no-packets': 'không nhận được tiếng qua mạng',
    'sink-failed': 'đường ra tiếng bị hỏng',
  } satisfies Record<MissedReason, string>,
  networks: { lan: 'Mạng dây', '4g': '4G', wifi: 'Wi-Fi' },
};
