// UUIDs: random (PostgreSQL manual 9.14), and from the later PostgreSQL and its extension uuid-ossp those
// that streams want: ordered by time, and derived from a name (RFC 9562).
#include <algorithm>
#include <cstring>

#include "core/base/time.h"
#include "core/expr/function.h"
#include "core/expr/functions/message_digest.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// RFC 9562, sections 4.1 and 4.2: the version is the high half of byte 6, the variant the top of byte 8.
void Stamp(Uuid& uuid, int version) {
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | version << 4);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
}
bool IsStandard(const Uuid& uuid) { return (uuid.bytes[8] & 0xc0) == 0x80; }
int VersionOf(const Uuid& uuid) { return uuid.bytes[6] >> 4; }

// Random bytes for the rows of a batch: SHA-256 of a seed from the environment and a counter. Asking the
// operating system for every row would cost several times as much.
class RandomBytes {
 public:
  explicit RandomBytes(Env* env)
      : env_(env), digester_(DigestKind::kSha256), input_{env->Random64(), env->Random64(), 0} {}

  Uuid Next() {
    Uuid uuid;
    if (input_[2] % 2 == 0) Refill();
    std::memcpy(&uuid, bytes_ + input_[2] % 2 * sizeof(uuid), sizeof(uuid));
    ++input_[2];
    return uuid;
  }

 private:
  // Two UUIDs' worth.
  void Refill() {
    if (digester_.Hash({reinterpret_cast<const char*>(input_), sizeof(input_)}, {}, bytes_)) return;
    for (size_t i = 0; i < sizeof(bytes_); i += 8) {
      const uint64_t bits = env_->Random64();
      std::memcpy(bytes_ + i, &bits, 8);
    }
  }

  Env* env_;
  Digester digester_;
  uint64_t input_[3];  // the seed and how many were given
  uint8_t bytes_[2 * sizeof(Uuid)];
};

ColumnPtr RandomUuids(KernelCall& call) {
  Writer<Uuid> out(call);
  RandomBytes random(call.env());
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    Uuid uuid = random.Next();
    Stamp(uuid, 4);
    out.Put(row, uuid);
  });
  return out.Finish(call);
}

// Version 7: 48 bits of Unix milliseconds, then randomness. The 12 bits behind the time count fractions of a
// millisecond (method 3 of section 6.2), and rows of a batch get rising ones, so that they sort as they come.
ColumnPtr OrderedUuids(KernelCall& call) {
  Writer<Uuid> out(call);
  RandomBytes random(call.env());
  // In units of 1/4096 ms.
  const auto now = static_cast<uint64_t>(std::max<int64_t>(call.env()->WallNow(), 0));
  uint64_t ticks = now / 1000 * 4096 + now % 1000 * 4096 / 1000;
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    Uuid uuid = random.Next();
    const uint64_t millis = ticks >> 12;
    for (int i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<uint8_t>(millis >> (40 - 8 * i));
    uuid.bytes[6] = static_cast<uint8_t>(ticks >> 8);
    uuid.bytes[7] = static_cast<uint8_t>(ticks);
    Stamp(uuid, 7);
    out.Put(row, uuid);
    ++ticks;
  });
  return out.Finish(call);
}

// Version 5: SHA-1 over the name space and the name.
ColumnPtr NamedUuids(KernelCall& call) {
  const Reader<Uuid> spaces(call.arg(0));
  const Reader<std::string_view> names(call.arg(1));
  Digester digester(DigestKind::kSha1);
  Writer<Uuid> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    const std::string_view space(reinterpret_cast<const char*>(spaces[row].bytes), sizeof(Uuid));
    uint8_t digest[kMaxDigestBytes];
    if (!digester.Hash(space, names[row], digest)) return call.Fail(row, "XX000", digester.Refusal());
    Uuid uuid;
    std::memcpy(&uuid, digest, sizeof(uuid));
    Stamp(uuid, 5);
    out.Put(row, uuid);
  });
  return out.Finish(call);
}

int32_t Version(Row& row, const Uuid& uuid) {
  if (!IsStandard(uuid)) row.Null();
  return VersionOf(uuid);
}

// Version 1 counts 100 ns from the start of the Gregorian calendar, 1582-10-15.
int64_t TimeOf(Row& row, const Uuid& uuid) {
  constexpr int64_t kGregorianMicros = 0x01b21dd213814000 / 10;
  const uint8_t* b = uuid.bytes;
  const auto take = [&](int from, int count) {
    uint64_t value = 0;
    for (int i = from; i < from + count; ++i) value = value << 8 | b[i];
    return value;
  };
  if (IsStandard(uuid) && VersionOf(uuid) == 7) return static_cast<int64_t>(take(0, 6)) * 1000;
  if (IsStandard(uuid) && VersionOf(uuid) == 1) {
    const uint64_t ticks = (take(6, 2) & 0x0fff) << 48 | take(4, 2) << 32 | take(0, 4);
    return static_cast<int64_t>(ticks / 10) - kGregorianMicros;
  }
  row.Null();
  return 0;
}

}  // namespace

void AddUuid(FunctionTable& t) {
  using enum Arg;
  t.push_back({"gen_random_uuid",
               {},
               kUuid,
               RandomUuids,
               "a random UUID (version 4), another one for every row",
               "substr(gen_random_uuid()::text, 15, 1) -> 4",
               kTotal | kVolatile});
  t.push_back({"uuidv7",
               {},
               kUuid,
               OrderedUuids,
               "a UUID of the present time and randomness (version 7), which sorts by its time",
               "substr(uuidv7()::text, 15, 1) -> 7",
               kTotal | kVolatile | kAddition});
  t.push_back({"uuid_generate_v5",
               {kUuid, kText},
               kUuid,
               NamedUuids,
               "the UUID of a name in a name space (version 5): the same name gives the same UUID",
               "uuid_generate_v5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'example.org') -> "
               "aad03681-8b63-5304-89e0-8ca8f49461b5",
               kAddition});
  t.push_back({"uuid_extract_version",
               {kUuid},
               kInteger,
               Rows<Version>,
               "the version, null for other variants than RFC 9562's",
               "uuid_extract_version('41db1265-8bc1-4ab3-992f-885799a4af1d'::uuid) -> 4",
               kTotal | kAddition});
  t.push_back(
      {"uuid_extract_timestamp",
       {kUuid},
       kTimestamptz,
       Rows<TimeOf>,
       "the time in a UUID of version 1 or 7, else null",
       "uuid_extract_timestamp('017f22e2-79b0-7cc3-98c4-dc0c0c07398f'::uuid) -> 2022-02-22 19:22:22+00",
       kTotal | kAddition});
}

}  // namespace streamrun
