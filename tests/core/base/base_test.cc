// Status, suggestions and checksums.
#include <cerrno>

#include "core/base/crc32c.h"
#include "core/base/status.h"
#include "core/base/suggest.h"
#include "doctest/doctest.h"

namespace streamrun {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Status::InvalidArgument("odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  SR_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST_CASE("success is one empty word") {
  const Status ok;
  CHECK(ok.ok());
  CHECK(ok.code() == Code::kOk);
  CHECK(ok.message().empty());
  CHECK(ok.ToString() == "ok");
  CHECK(!ok.retryable());
  CHECK(ok.WithContext("reading").ok());
}

TEST_CASE("a failure keeps its code and takes context in front of its message") {
  const Status status = Status::NotFound("no such file").WithContext("/etc/x").WithContext("source logs");
  CHECK(status.code() == Code::kNotFound);
  CHECK(status.message() == "source logs: /etc/x: no such file");
  CHECK(status.ToString() == "not_found: source logs: /etc/x: no such file");
}

TEST_CASE("whose fault a failure is follows from its code unless said") {
  CHECK(Status::Internal("bug").fault() == Fault::kInternal);
  CHECK(Status::Unavailable("away").fault() == Fault::kExternal);
  CHECK(Status::IoError("disk").fault() == Fault::kExternal);
  CHECK(Status::InvalidArgument("input").fault() == Fault::kUser);
  CHECK(Status::InvalidArgument("input").WithFault(Fault::kExternal).fault() == Fault::kExternal);
  CHECK(Status::IoError("x").WithRetry(true).retryable());
}

TEST_CASE("errno values become the code a caller can branch on") {
  CHECK(Status::FromErrno(ENOENT, "open").code() == Code::kNotFound);
  CHECK(Status::FromErrno(EEXIST, "open").code() == Code::kAlreadyExists);
  CHECK(Status::FromErrno(EACCES, "open").code() == Code::kPermissionDenied);
  CHECK(Status::FromErrno(ENOSPC, "write").code() == Code::kResourceExhausted);
  CHECK(Status::FromErrno(EIO, "read").code() == Code::kIoError);
  CHECK(Status::FromErrno(ENOENT, "open '/x'").message() == "open '/x': No such file or directory");
}

TEST_CASE("the macros hand the first failure up") {
  CHECK(*Quarter(8) == 2);
  CHECK(Quarter(6).status().message() == "odd");
  CHECK(Quarter(7).status().code() == Code::kInvalidArgument);
}

TEST_CASE("the nearest name is suggested only when it is near") {
  CHECK(Nearest("filtr", {"map", "filter", "route"}) == "filter");
  CHECK(Nearest("FILTER", {"filter"}) == "filter");
  CHECK(Nearest("fitler", {"filter"}) == "filter");  // a swap is one edit
  CHECK(!Nearest("window", {"map", "filter"}));
  CHECK(!Nearest("ab", {"xy"}));
  CHECK(Nearest("cat", {"bat", "rat"}) == "bat");
}

TEST_CASE("CRC-32C agrees with RFC 3720 appendix B.4") {
  const std::string zeroes(32, '\0');
  const std::string ones(32, '\xff');
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  CHECK(Crc32c(zeroes.data(), 32) == 0x8a9136aa);
  CHECK(Crc32c(ones.data(), 32) == 0x62a8ab43);
  CHECK(Crc32c(rising.data(), 32) == 0x46dd794e);
  CHECK(Crc32c(falling.data(), 32) == 0x113fdb5c);
  CHECK(Crc32c("123456789", 9) == 0xe3069283);
  CHECK(Crc32c(rising.data() + 5, 27, Crc32c(rising.data(), 5)) == 0x46dd794e);
}

}  // namespace
}  // namespace streamrun
