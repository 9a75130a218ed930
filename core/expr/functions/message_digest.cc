#include "core/expr/functions/message_digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>

#include "core/data/text_scan.h"

namespace streamrun {

namespace {

struct DigestFacts {
  std::string_view name;
  const char* library_name;
  size_t bytes;
  size_t block;
};
constexpr std::array<DigestFacts, 6> kDigests{{{"md5", "MD5", 16, 64},
                                               {"sha1", "SHA1", 20, 64},
                                               {"sha224", "SHA224", 28, 64},
                                               {"sha256", "SHA256", 32, 64},
                                               {"sha384", "SHA384", 48, 128},
                                               {"sha512", "SHA512", 64, 128}}};

const DigestFacts& FactsOf(DigestKind kind) { return kDigests[static_cast<size_t>(kind)]; }

// Fetched once; null where the library's configuration does not allow it.
const EVP_MD* AlgorithmOf(DigestKind kind) {
  static const std::array<const EVP_MD*, kDigests.size()> kAlgorithms = [] {
    std::array<const EVP_MD*, kDigests.size()> fetched{};
    for (size_t i = 0; i < kDigests.size(); ++i) {
      fetched[i] = EVP_MD_fetch(nullptr, kDigests[i].library_name, nullptr);
    }
    return fetched;
  }();
  return kAlgorithms[static_cast<size_t>(kind)];
}

}  // namespace

std::optional<DigestKind> ParseDigestKind(std::string_view name) {
  for (size_t i = 0; i < kDigests.size(); ++i) {
    if (text_scan::EqualsFolded(name, kDigests[i].name)) return static_cast<DigestKind>(i);
  }
  return std::nullopt;
}

void Digester::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Digester::Digester(DigestKind kind)
    : kind_(kind), algorithm_(AlgorithmOf(kind)), context_(EVP_MD_CTX_new()) {}

size_t Digester::size() const { return FactsOf(kind_).bytes; }

bool Digester::Hash(std::string_view head, std::string_view data, uint8_t* out) {
  if (algorithm_ == nullptr || !context_) return false;
  return EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr) == 1 &&
         EVP_DigestUpdate(context_.get(), head.data(), head.size()) == 1 &&
         EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1 &&
         EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1;
}

std::string Digester::Refusal() const {
  return "could not compute " + std::string(FactsOf(kind_).library_name) + " hash: unsupported";
}

KeyedDigester::KeyedDigester(DigestKind kind, std::string_view key)
    : digester_(kind), key_(key), block_(FactsOf(kind).block) {
  char padded[sizeof(inner_)] = {};
  if (key.size() > block_) {
    usable_ = digester_.Hash(key, {}, reinterpret_cast<uint8_t*>(padded));
  } else if (!key.empty()) {
    std::memcpy(padded, key.data(), key.size());
  }
  for (size_t i = 0; i < sizeof(padded); ++i) {
    inner_[i] = static_cast<char>(padded[i] ^ 0x36);
    outer_[i] = static_cast<char>(padded[i] ^ 0x5c);
  }
}

bool KeyedDigester::Hash(std::string_view data, uint8_t* out) {
  uint8_t inner[kMaxDigestBytes];
  return usable_ && digester_.Hash({inner_, block_}, data, inner) &&
         digester_.Hash({outer_, block_}, {reinterpret_cast<const char*>(inner), digester_.size()}, out);
}

}  // namespace streamrun
