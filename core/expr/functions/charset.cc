#include "core/expr/functions/charset.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "core/data/text_scan.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

using Kind = Charset::Kind;

struct SingleByte {
  std::string_view name;
  uint8_t first;
  std::u16string_view high;
};

// As PostgreSQL 15 converts each byte to UTF8. Blanks, formatting characters and letters of right-to-left
// scripts are escaped.
constexpr SingleByte kSingleByte[] = {
    {"LATIN1", 0xa0,
     u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúû"
     u"üýþÿ"},
    {"LATIN2", 0xa0,
     u"\u00a0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u00adŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúű"
     u"üýţ˙"},
    {"LATIN3", 0xa0,
     u"\u00a0Ħ˘£¤�Ĥ§¨İŞĞĴ\u00ad�Ż°ħ²³´µĥ·¸ışğĵ½�żÀÁÂ�ÄĊĈÇÈÉÊËÌÍÎÏ�ÑÒÓÔĠÖ×ĜÙÚÛÜŬŜßàáâ�äċĉçèéêëìíîï�ñòóôġö÷ĝùúû"
     u"üŭŝ˙"},
    {"LATIN4", 0xa0,
     u"\u00a0ĄĸŖ¤ĨĻ§¨ŠĒĢŦ\u00adŽ¯°ą˛ŗ´ĩļˇ¸šēģŧŊžŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎĪĐŅŌĶÔÕÖ×ØŲÚÛÜŨŪßāáâãäåæįčéęëėíîīđņōķôõö÷øųúû"
     u"üũū˙"},
    {"LATIN5", 0xa0,
     u"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúû"
     u"üışÿ"},
    {"LATIN6", 0xa0,
     u"\u00a0ĄĒĢĪĨĶ§ĻĐŠŦŽ\u00adŪŊ°ąēģīĩķ·ļđšŧž―ūŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎÏÐŅŌÓÔÕÖŨØŲÚÛÜÝÞßāáâãäåæįčéęëėíîïðņōóôõöũøųúû"
     u"üýþĸ"},
    {"LATIN7", 0xa0,
     u"\u00a0”¢£¤„¦§Ø©Ŗ«¬\u00ad®Æ°±²³“µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśū"
     u"üżž’"},
    {"LATIN8", 0xa0,
     u"\u00a0Ḃḃ£ĊċḊ§Ẁ©ẂḋỲ\u00ad®ŸḞḟĠġṀṁ¶ṖẁṗẃṠỳẄẅṡÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏŴÑÒÓÔÕÖṪØÙÚÛÜÝŶßàáâãäåæçèéêëìíîïŵñòóôõöṫøùúû"
     u"üýŷÿ"},
    {"LATIN9", 0xa0,
     u"\u00a0¡¢£€¥Š§š©ª«¬\u00ad®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúû"
     u"üýþÿ"},
    {"LATIN10", 0xa0,
     u"\u00a0ĄąŁ€„Š§š©Ș«Ź\u00adźŻ°±ČłŽ”¶·žčș»ŒœŸżÀÁÂĂÄĆÆÇÈÉÊËÌÍÎÏĐŃÒÓÔŐÖŚŰÙÚÛÜĘȚßàáâăäćæçèéêëìíîïđńòóôőöśűùúû"
     u"üęțÿ"},
    {"ISO_8859_5", 0xa0,
     u"\u00a0ЁЂЃЄЅІЇЈЉЊЋЌ\u00adЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя№ёђѓєѕіїјљњћ"
     u"ќ§ўџ"},
    {"ISO_8859_6", 0xa0,
     u"\u00a0���¤�������\u060c\u00ad�������������\u061b���\u061f�\u0621\u0622\u0623\u0624\u0625\u0626\u0627"
     u"\u0628\u0629\u062a\u062b\u062c\u062d\u062e\u062f\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u0637\u0638"
     u"\u0639\u063a�����\u0640\u0641\u0642\u0643\u0644\u0645\u0646\u0647\u0648\u0649\u064a\u064b\u064c\u064d"
     u"\u064e\u064f\u0650\u0651\u0652�������������"},
    {"ISO_8859_7", 0xa0,
     u"\u00a0‘’£€₯¦§¨©ͺ«¬\u00ad�―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ�ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋ"
     u"όύώ�"},
    {"ISO_8859_8", 0xa0,
     u"\u00a0�¢£¤¥¦§¨©×«¬\u00ad®¯°±²³´µ¶·¸¹÷»¼½¾��������������������������������‗\u05d0\u05d1\u05d2\u05d3"
     u"\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9\u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2\u05e3\u05e4"
     u"\u05e5\u05e6\u05e7\u05e8\u05e9\u05ea��\u200e\u200f�"},
    {"WIN1250", 0x80,
     u"€�‚�„…†‡�‰Š‹ŚŤŽŹ�‘’“”•–—�™š›śťžź\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰ"
     u"ÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"},
    {"WIN1251", 0x80,
     u"ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—�™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫ"
     u"ЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"},
    {"WIN1252", 0x80,
     u"€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛ"
     u"ÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"},
    {"WIN1253", 0x80,
     u"€�‚ƒ„…†‡�‰�‹�����‘’“”•–—�™�›����\u00a0΅Ά£¤¥¦§¨©�«¬\u00ad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ�ΣΤΥΦΧΨΩΪΫ"
     u"άέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ�"},
    {"WIN1254", 0x80,
     u"€�‚ƒ„…†‡ˆ‰Š‹Œ����‘’“”•–—˜™š›œ��Ÿ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛ"
     u"ÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ"},
    {"WIN1255", 0x80,
     u"€�‚ƒ„…†‡ˆ‰�‹�����‘’“”•–—˜™�›����\u00a0¡¢£₪¥¦§¨©×«¬\u00ad®¯°±²³´µ¶·¸¹÷»¼½¾¿\u05b0\u05b1\u05b2\u05b3"
     u"\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9�\u05bb\u05bc\u05bd\u05be\u05bf\u05c0\u05c1\u05c2\u05c3\u05f0"
     u"\u05f1\u05f2\u05f3\u05f4�������\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9\u05da"
     u"\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2\u05e3\u05e4\u05e5\u05e6\u05e7\u05e8\u05e9\u05ea��"
     u"\u200e\u200f�"},
    {"WIN1256", 0x80,
     u"€\u067e‚ƒ„…†‡ˆ‰\u0679‹Œ\u0686\u0698\u0688\u06af‘’“”•–—\u06a9™\u0691›œ\u200c\u200d\u06ba\u00a0\u060c¢£¤"
     u"¥¦§¨©\u06be«¬\u00ad®¯°±²³´µ¶·¸¹\u061b»¼½¾\u061f\u06c1\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628"
     u"\u0629\u062a\u062b\u062c\u062d\u062e\u062f\u0630\u0631\u0632\u0633\u0634\u0635\u0636×\u0637\u0638"
     u"\u0639\u063a\u0640\u0641\u0642\u0643à\u0644â\u0645\u0646\u0647\u0648çèéêë\u0649\u064aîï\u064b\u064c"
     u"\u064d\u064eô\u064f\u0650÷\u0651ù\u0652ûü\u200e\u200f\u06d2"},
    {"WIN1257", 0x80,
     u"€�‚�„…†‡�‰�‹�¨ˇ¸�‘’“”•–—�™�›�¯˛�\u00a0�¢£¤�¦§Ø©Ŗ«¬\u00ad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪ"
     u"ÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙"},
    {"WIN1258", 0x80,
     u"€�‚ƒ„…†‡ˆ‰�‹Œ����‘’“”•–—˜™�›œ��Ÿ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂĂÄÅÆÇÈÉÊË\u0300ÍÎÏĐÑ"
     u"\u0309ÓÔƠÖ×ØÙÚÛÜƯ\u0303ßàáâăäåæçèéêë\u0301íîïđñ\u0323óôơö÷øùúûüư₫ÿ"},
    {"WIN866", 0x80,
     u"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀рстуфх"
     u"цчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u00a0"},
    {"WIN874", 0x80,
     u"€����…�����������‘’“”•–—��������\u00a0กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯะ\u0e31าำ\u0e34"
     u"\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a����฿เแโใไๅๆ\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e๏๐๑๒๓๔"
     u"๕๖๗๘๙๚๛����"},
    {"KOI8R", 0x80,
     u"─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u00a0⌡°²·÷═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©юабцдефгхийклмнопярстужвьызшэщчъЮ"
     u"АБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ"},
    {"KOI8U", 0x80,
     u"─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u00a0⌡°²·÷═║╒ёє╔ії╗╘╙╚╛ґ╝╞╟╠╡ЁЄ╣ІЇ╦╧╨╩╪Ґ╬©юабцдефгхийклмнопярстужвьызшэщчъЮ"
     u"АБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ"},
};

constexpr size_t kCharsets = std::size(kSingleByte) + 2;

constexpr std::array<Charset, kCharsets> kAll = [] {
  std::array<Charset, kCharsets> all{};
  all[0] = {"UTF8", Kind::kUtf8};
  all[1] = {"SQL_ASCII", Kind::kSqlAscii};
  for (size_t i = 0; i < std::size(kSingleByte); ++i) {
    all[i + 2] = {kSingleByte[i].name, Kind::kSingleByte, kSingleByte[i].first, kSingleByte[i].high};
  }
  return all;
}();

struct Alias {
  std::string_view spelling;
  std::string_view name;
};
constexpr Alias kAliases[] = {
    {"unicode", "UTF8"},        {"iso88591", "LATIN1"},     {"iso88592", "LATIN2"},
    {"iso88593", "LATIN3"},     {"iso88594", "LATIN4"},     {"iso88599", "LATIN5"},
    {"iso885910", "LATIN6"},    {"iso885913", "LATIN7"},    {"iso885914", "LATIN8"},
    {"iso885915", "LATIN9"},    {"iso885916", "LATIN10"},   {"koi8", "KOI8R"},
    {"abc", "WIN1258"},         {"tcvn", "WIN1258"},        {"tcvn5712", "WIN1258"},
    {"vscii", "WIN1258"},       {"alt", "WIN866"},          {"win", "WIN1251"},
    {"windows1250", "WIN1250"}, {"windows1251", "WIN1251"}, {"windows1252", "WIN1252"},
    {"windows1253", "WIN1253"}, {"windows1254", "WIN1254"}, {"windows1255", "WIN1255"},
    {"windows1256", "WIN1256"}, {"windows1257", "WIN1257"}, {"windows1258", "WIN1258"},
    {"windows866", "WIN866"},   {"windows874", "WIN874"},
};

constexpr std::string_view kMultiByte[] = {
    "big5",   "euccn",   "eucjis2004",   "eucjp",      "euckr",        "euctw",      "gb18030",   "gbk",
    "johab",  "mskanji", "muleinternal", "shiftjis",   "shiftjis2004", "sjis",       "uhc",       "win932",
    "win936", "win949",  "win950",       "windows932", "windows936",   "windows949", "windows950"};

// Letters and digits, in lower case.
std::string Bare(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (text_scan::IsAlpha(c) || text_scan::IsDigit(c)) out += text_scan::ToLower(c);
  }
  return out;
}

std::string Malformed(const Charset& charset, std::string_view bytes) {
  std::string out = "invalid byte sequence for encoding \"" + std::string(charset.name) + "\":";
  for (const char c : bytes) {
    out += " 0x";
    out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    out += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

// Bytes that the lead byte promises; 1 when it cannot lead.
size_t PromisedLength(uint8_t lead) {
  return lead >= 0xc0 && lead < 0xf8 ? Utf8Length(static_cast<char>(lead)) : 1;
}

bool Within(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

int Charset::Encode(char32_t c) const {
  if (c < first) return static_cast<int>(c);
  if (c >= 0xfffd) return -1;
  const size_t at = high.find(static_cast<char16_t>(c));
  return at == std::u16string_view::npos ? -1 : static_cast<int>(first + at);
}

const Charset* FindCharset(std::string_view name, bool* refused) {
  std::string wanted = Bare(name);
  for (const Alias& alias : kAliases) {
    if (alias.spelling == wanted) wanted = Bare(alias.name);
  }
  *refused = std::find(std::begin(kMultiByte), std::end(kMultiByte), wanted) != std::end(kMultiByte);
  for (const Charset& charset : kAll) {
    if (Bare(charset.name) == wanted) return &charset;
  }
  return nullptr;
}

bool CanConvert(const Charset& from, const Charset& to) {
  if (&from == &to || from.kind != Kind::kSingleByte || to.kind != Kind::kSingleByte) return true;
  const auto both = [&](std::initializer_list<std::string_view> names) {
    return Within(from.name, names) && Within(to.name, names);
  };
  return both({"KOI8R", "WIN1251", "WIN866", "ISO_8859_5"}) || both({"LATIN2", "WIN1250"});
}

std::string FindMalformed(const Charset& charset, std::string_view bytes) {
  size_t at = bytes.find('\0');
  if (charset.kind == Kind::kUtf8) at = std::min(at, FindInvalidUtf8(bytes));
  if (at == std::string_view::npos) return {};
  const size_t length = charset.kind == Kind::kUtf8 ? PromisedLength(static_cast<uint8_t>(bytes[at])) : 1;
  return Malformed(charset, bytes.substr(at, length));
}

}  // namespace streamrun
