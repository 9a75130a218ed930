// Hashes that PostgreSQL 15 has not built in: digest() and hmac() with the arguments of its extension
// pgcrypto, and the fast ones of data processing (xxHash, CRC).
#include <xxhash.h>
#include <zlib.h>

#include "core/base/crc32c.h"
#include "core/expr/function.h"
#include "core/expr/functions/message_digest.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

std::string NoSuchDigest(std::string_view name) {
  return "Cannot use \"" + std::string(name) + "\": No such hash algorithm";
}

// A constant name that is none is a problem of the expression; nothing needs to be kept.
template <size_t kName>
Result<std::shared_ptr<const void>> CheckDigestName(std::span<const ColumnPtr> constants) {
  for (const ColumnPtr& constant : constants) {
    if (constant && constant->IsNull(0)) return std::shared_ptr<const void>();
  }
  const ColumnPtr& name = constants[kName];
  if (name && !ParseDigestKind(name->Text(0))) return Status::InvalidArgument(NoSuchDigest(name->Text(0)));
  return std::shared_ptr<const void>();
}

ColumnPtr DigestColumn(KernelCall& call) {
  const Reader<std::string_view> data(call.arg(0));
  const Reader<std::string_view> names(call.arg(1));
  std::optional<Digester> digester;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const std::string_view name = names[row.number()];
    const auto kind = ParseDigestKind(name);
    if (!kind) return row.Fail("22023", NoSuchDigest(name));
    if (!digester || digester->kind() != *kind) digester.emplace(*kind);
    uint8_t digest[kMaxDigestBytes];
    if (!digester->Hash(data[row.number()], {}, digest)) return row.Fail("XX000", digester->Refusal());
    if (!row.Room(out, digester->size())) return;
    out.Append({reinterpret_cast<const char*>(digest), digester->size()});
  });
}

ColumnPtr HmacColumn(KernelCall& call) {
  const Reader<std::string_view> data(call.arg(0));
  const Reader<std::string_view> keys(call.arg(1));
  const Reader<std::string_view> names(call.arg(2));
  std::optional<KeyedDigester> digester;
  return WriteText(call, [&](Row& row, TextSink& out) {
    const std::string_view key = keys[row.number()];
    const std::string_view name = names[row.number()];
    const auto kind = ParseDigestKind(name);
    if (!kind) return row.Fail("22023", NoSuchDigest(name));
    if (!digester || digester->kind() != *kind || !digester->HasKey(key)) digester.emplace(*kind, key);
    uint8_t digest[kMaxDigestBytes];
    if (!digester->Hash(data[row.number()], digest)) return row.Fail("XX000", digester->Refusal());
    if (!row.Room(out, digester->size())) return;
    out.Append({reinterpret_cast<const char*>(digest), digester->size()});
  });
}

// XXH64; the results above 2^63 are negative, as the bits of a bigint.
int64_t XxHash(std::string_view data) { return static_cast<int64_t>(XXH64(data.data(), data.size(), 0)); }
int64_t XxHashSeeded(std::string_view data, int64_t seed) {
  return static_cast<int64_t>(XXH64(data.data(), data.size(), static_cast<uint64_t>(seed)));
}

int64_t Crc(std::string_view data) {
  return static_cast<int64_t>(crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}
int64_t CrcCastagnoli(std::string_view data) { return Crc32c(data.data(), data.size()); }

void AddChecksums(FunctionTable& t) {
  using enum Arg;
  for (const Arg type : {kText, kBytea}) {
    const bool first = type == kText;
    t.push_back({"xxhash64",
                 {type},
                 kBigint,
                 Rows<XxHash>,
                 "the XXH64 hash with seed 0: fast, not cryptographic",
                 first ? "xxhash64('abc') -> 4952883123889572249"
                       : "xxhash64('\\x616263'::bytea) -> 4952883123889572249",
                 kTotal | kAddition});
    t.push_back(
        {"xxhash64",
         {type, kBigint},
         kBigint,
         Rows<XxHashSeeded>,
         "the XXH64 hash with a seed; a hash as the seed of the next makes one hash of several values",
         first ? "xxhash64('abc', 1) -> -4708009277469325048"
               : "xxhash64('\\x616263'::bytea, 0) -> 4952883123889572249",
         kTotal | kAddition});
    t.push_back({"crc32",
                 {type},
                 kBigint,
                 Rows<Crc>,
                 "the CRC-32 checksum, as of zip and Ethernet",
                 first ? "crc32('abc') -> 891568578" : "crc32('\\x616263'::bytea) -> 891568578",
                 kTotal | kAddition});
    t.push_back({"crc32c",
                 {type},
                 kBigint,
                 Rows<CrcCastagnoli>,
                 "the CRC-32C (Castagnoli) checksum",
                 first ? "crc32c('abc') -> 910901175" : "crc32c('\\x616263'::bytea) -> 910901175",
                 kTotal | kAddition});
  }
}

}  // namespace

void AddKeyedHash(FunctionTable& t) {
  using enum Arg;
  for (const Arg type : {kText, kBytea}) {
    const bool first = type == kText;
    t.push_back({"digest",
                 {type, kText},
                 kBytea,
                 DigestColumn,
                 "the hash by the algorithm md5, sha1, sha224, sha256, sha384 or sha512 (as pgcrypto's)",
                 first ? "digest('abc', 'sha1') -> \\xa9993e364706816aba3e25717850c26c9cd0d89d"
                       : "digest('\\x616263'::bytea, 'md5') -> \\x900150983cd24fb0d6963f7d28e17f72",
                 kAddition,
                 CheckDigestName<1>});
    t.push_back(
        {"hmac",
         {type, type, kText},
         kBytea,
         HmacColumn,
         "the hash keyed with the second argument (RFC 2104, as pgcrypto's): pseudonyms and signatures",
         first ? "hmac('abc', 'key', 'md5') -> \\xd2fe98063f876b03193afb49b4979591"
               : "hmac('\\x616263'::bytea, '\\x6b6579', 'md5') -> \\xd2fe98063f876b03193afb49b4979591",
         kAddition,
         CheckDigestName<2>});
  }
  AddChecksums(t);
}

}  // namespace streamrun
