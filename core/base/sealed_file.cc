#include "core/base/sealed_file.h"

#include <charconv>
#include <cstdio>

#include "core/base/crc32c.h"

namespace streamrun {

std::string Seal(std::string_view value) {
  char crc[32];
  std::snprintf(crc, sizeof(crc), "\ncrc32c %08x\n", Crc32c(value.data(), value.size()));
  return std::string(value) + crc;
}

Result<std::string> Unseal(const std::string& name, std::string_view content) {
  const std::string_view value = content.substr(0, content.find('\n'));
  if (content != Seal(value)) return Status::Corruption(name + " is damaged: its checksum does not match");
  return std::string(value);
}

Result<uint64_t> ReadSealedNumber(Env* env, const std::string& path) {
  auto content = env->ReadFile(path, 4096);
  if (content.status().code() == Code::kResourceExhausted) {
    return Status::Corruption(path + " is damaged: it is longer than a number");
  }
  if (!content.ok()) return content.status();
  SR_ASSIGN_OR_RETURN(const std::string value, Unseal(path, *content));
  uint64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return Status::Corruption(path + " holds no number");
  return number;
}

Status WriteSealedNumber(Env* env, const std::string& path, uint64_t number) {
  return env->WriteFileAtomically(path, Seal(std::to_string(number)));
}

}  // namespace streamrun
