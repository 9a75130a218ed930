// Message digests and HMAC over OpenSSL's libcrypto, the only place that names it.
//
// A Digester owns one context for a whole batch: fetching an algorithm or allocating a context for each row
// would cost more than hashing a short text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace streamrun {

enum class DigestKind : uint8_t { kMd5, kSha1, kSha224, kSha256, kSha384, kSha512 };

inline constexpr size_t kMaxDigestBytes = 64;

/// "md5", "sha1", "sha224", "sha256", "sha384" or "sha512" in any case.
std::optional<DigestKind> ParseDigestKind(std::string_view name);

/// Not thread-safe; movable.
class Digester {
 public:
  explicit Digester(DigestKind kind);

  DigestKind kind() const { return kind_; }
  /// Bytes of a digest; at most kMaxDigestBytes.
  size_t size() const;
  /// Digest of `head` followed by `data`, written to `out`. False when the library refuses, as it does with
  /// MD5 where its configuration allows only approved algorithms.
  [[nodiscard]] bool Hash(std::string_view head, std::string_view data, uint8_t* out);
  /// "could not compute MD5 hash: unsupported": what PostgreSQL says when Hash gives false.
  std::string Refusal() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  DigestKind kind_;
  const evp_md_st* algorithm_;  // lives as long as the process
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// HMAC (RFC 2104) with one key, for any number of messages.
class KeyedDigester {
 public:
  KeyedDigester(DigestKind kind, std::string_view key);

  size_t size() const { return digester_.size(); }
  DigestKind kind() const { return digester_.kind(); }
  bool HasKey(std::string_view key) const { return key == key_; }
  [[nodiscard]] bool Hash(std::string_view data, uint8_t* out);
  std::string Refusal() const { return digester_.Refusal(); }

 private:
  Digester digester_;
  std::string key_;
  bool usable_ = true;
  size_t block_;  // bytes of the digest's input block
  // The key, padded to a block and masked for the inner and the outer pass.
  char inner_[128];
  char outer_[128];
};

}  // namespace streamrun
