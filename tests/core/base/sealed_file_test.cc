// Values with a checksum: every damage is seen.
#include "core/base/sealed_file.h"

#include <stdlib.h>

#include <cstdio>

#include "doctest/doctest.h"

namespace streamrun {
namespace {

TEST_CASE("a sealed value has the bytes that the format says") {
  // CRC-32C of "123456789" (RFC 3720 appendix B.4 names its generator; the check value is e3069283).
  CHECK(Seal("123456789") == "123456789\ncrc32c e3069283\n");
  CHECK(*Unseal("f", Seal("")) == "");
}

TEST_CASE("no bit of a sealed value can change, and no byte can come or go, unseen") {
  const std::string sealed = Seal("{\"epoch\":7}");
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(Unseal("f", damaged).status().code() == Code::kCorruption);
  }
  for (size_t length = 0; length < sealed.size(); ++length) {
    CHECK(!Unseal("f", sealed.substr(0, length)).ok());
  }
  CHECK(!Unseal("f", sealed + "\n").ok());
  CHECK(Unseal("f", "x").status().message() == "f is damaged: its checksum does not match");
}

TEST_CASE("a sealed number is read back; what is no number is damage, what is not there is not found") {
  char path[] = "/tmp/streamrun_sealed_XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  Env* env = Env::Default();
  REQUIRE(WriteSealedNumber(env, path, ~uint64_t{0}).ok());
  CHECK(*ReadSealedNumber(env, path) == ~uint64_t{0});
  for (const char* wrong : {"", "x", "1x", "-1", "18446744073709551616"}) {
    REQUIRE(env->WriteFileAtomically(path, Seal(wrong)).ok());
    CHECK(ReadSealedNumber(env, path).status().code() == Code::kCorruption);
  }
  REQUIRE(env->WriteFileAtomically(path, std::string(100'000, '1')).ok());
  CHECK(ReadSealedNumber(env, path).status().code() == Code::kCorruption);
  REQUIRE(env->Remove(path).ok());
  CHECK(ReadSealedNumber(env, path).status().code() == Code::kNotFound);
}

}  // namespace
}  // namespace streamrun
