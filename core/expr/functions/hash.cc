// Cryptographic hashes (PostgreSQL manual 9.4 and 9.5).
#include "core/expr/function.h"
#include "core/expr/functions/message_digest.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// Writes the digests of all rows; md5 gives them as hexadecimal text, the others as bytes.
template <DigestKind kKind, bool kHexadecimal>
ColumnPtr HashColumn(KernelCall& call) {
  Digester digester(kKind);
  const Reader<std::string_view> data(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    uint8_t digest[kMaxDigestBytes];
    if (!digester.Hash(data[row.number()], {}, digest)) return row.Fail("XX000", digester.Refusal());
    const size_t size = digester.size();
    if (!row.Room(out, size * 2)) return;
    if constexpr (kHexadecimal) {
      char* at = out.Extend(size * 2);
      for (size_t i = 0; i < size; ++i) {
        *at++ = "0123456789abcdef"[digest[i] >> 4];
        *at++ = "0123456789abcdef"[digest[i] & 15];
      }
    } else {
      out.Append({reinterpret_cast<const char*>(digest), size});
    }
  });
}

}  // namespace

void AddHash(FunctionTable& t) {
  using enum Arg;
  t.push_back({"md5",
               {kText},
               kText,
               HashColumn<DigestKind::kMd5, true>,
               "the MD5 hash in hexadecimal",
               "md5('abc') -> 900150983cd24fb0d6963f7d28e17f72"});
  t.push_back({"md5",
               {kBytea},
               kText,
               HashColumn<DigestKind::kMd5, true>,
               "the MD5 hash in hexadecimal",
               "md5('\\x616263'::bytea) -> 900150983cd24fb0d6963f7d28e17f72"});
  t.push_back({"sha224",
               {kBytea},
               kBytea,
               HashColumn<DigestKind::kSha224, false>,
               "the SHA-224 hash",
               "sha224('abc'::bytea) -> \\x23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"});
  t.push_back({"sha256",
               {kBytea},
               kBytea,
               HashColumn<DigestKind::kSha256, false>,
               "the SHA-256 hash",
               "left(encode(sha256('abc'::bytea), 'hex'), 16) -> ba7816bf8f01cfea"});
  t.push_back({"sha384",
               {kBytea},
               kBytea,
               HashColumn<DigestKind::kSha384, false>,
               "the SHA-384 hash",
               "left(encode(sha384('abc'::bytea), 'hex'), 16) -> cb00753f45a35e8b"});
  t.push_back({"sha512",
               {kBytea},
               kBytea,
               HashColumn<DigestKind::kSha512, false>,
               "the SHA-512 hash",
               "left(encode(sha512('abc'::bytea), 'hex'), 16) -> ddaf35a193617aba"});
}

}  // namespace streamrun
