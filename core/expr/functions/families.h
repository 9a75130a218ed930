// The files of this folder, in the order and under the titles of the documentation. Included by function.cc
// only: a family's file just defines its Add... function.
#pragma once

#include "core/expr/function.h"

namespace streamrun {

void AddArithmetic(FunctionTable& table);
void AddComparison(FunctionTable& table);
void AddInList(FunctionTable& table);
void AddNullCount(FunctionTable& table);
void AddBoolean(FunctionTable& table);
void AddBitwise(FunctionTable& table);
void AddMath(FunctionTable& table);
void AddExponentials(FunctionTable& table);
void AddTrigonometry(FunctionTable& table);
void AddWidthBucket(FunctionTable& table);
void AddNumberFormat(FunctionTable& table);
void AddNumberRead(FunctionTable& table);
void AddText(FunctionTable& table);
void AddTextEdit(FunctionTable& table);
void AddTextFormat(FunctionTable& table);
void AddQuote(FunctionTable& table);
void AddUnicodeText(FunctionTable& table);
void AddPattern(FunctionTable& table);
void AddRegex(FunctionTable& table);
void AddRegexPosition(FunctionTable& table);
void AddRegexReplace(FunctionTable& table);
void AddSimilar(FunctionTable& table);
void AddDatetime(FunctionTable& table);
void AddDatetimeTrunc(FunctionTable& table);
void AddDatetimeMake(FunctionTable& table);
void AddDatetimeArithmetic(FunctionTable& table);
void AddDatetimeAge(FunctionTable& table);
void AddDatetimeZone(FunctionTable& table);
void AddDatetimeFormat(FunctionTable& table);
void AddDatetimeFormatParse(FunctionTable& table);
void AddDuration(FunctionTable& table);
void AddJson(FunctionTable& table);
void AddJsonContain(FunctionTable& table);
void AddJsonBuild(FunctionTable& table);
void AddJsonEdit(FunctionTable& table);
void AddJsonForm(FunctionTable& table);
void AddJsonPath(FunctionTable& table);
void AddArray(FunctionTable& table);
void AddArrayEdit(FunctionTable& table);
void AddArrayOrder(FunctionTable& table);
void AddBytea(FunctionTable& table);
void AddByteaLike(FunctionTable& table);
void AddByteaCharset(FunctionTable& table);
void AddEncoding(FunctionTable& table);
void AddHash(FunctionTable& table);
void AddKeyedHash(FunctionTable& table);
void AddUuid(FunctionTable& table);
void AddInet(FunctionTable& table);
void AddInetOperators(FunctionTable& table);
void AddIpIn(FunctionTable& table);
void AddUrl(FunctionTable& table);
void AddGeo(FunctionTable& table);
void AddMask(FunctionTable& table);
void AddCasts(FunctionTable& table);
void AddCastModifiers(FunctionTable& table);
void AddTryCasts(FunctionTable& table);
void AddOverlaps(FunctionTable& table);

struct FamilyEntry {
  std::string_view title;
  void (*add)(FunctionTable& table);
};

inline constexpr FamilyEntry kFamilies[] = {
    {"Arithmetic", AddArithmetic},
    {"Comparison", AddComparison},
    {"Membership", AddInList},
    {"Nulls", AddNullCount},
    {"Boolean", AddBoolean},
    {"Bit operations on integers", AddBitwise},
    {"Mathematics: rounding and whole numbers", AddMath},
    {"Mathematics: roots, powers, logarithms", AddExponentials},
    {"Mathematics: trigonometry", AddTrigonometry},
    {"Mathematics: histograms", AddWidthBucket},
    {"Numbers as text", AddNumberFormat},
    {"Numbers from text", AddNumberRead},
    {"Text", AddText},
    {"Text: padding, trimming, splitting", AddTextEdit},
    {"Text: format", AddTextFormat},
    {"Text: SQL quoting", AddQuote},
    {"Text: Unicode", AddUnicodeText},
    {"LIKE", AddPattern},
    {"Regular expressions", AddRegex},
    {"Regular expressions: places", AddRegexPosition},
    {"Regular expressions: replacing", AddRegexReplace},
    {"SIMILAR TO", AddSimilar},
    {"Date and time", AddDatetime},
    {"Date and time: truncation and parts", AddDatetimeTrunc},
    {"Date and time: construction", AddDatetimeMake},
    {"Date and time: arithmetic", AddDatetimeArithmetic},
    {"Date and time: age and justified intervals", AddDatetimeAge},
    {"Date and time: zones", AddDatetimeZone},
    {"Date and time: formats", AddDatetimeFormat},
    {"Date and time: reading by format", AddDatetimeFormatParse},
    {"Durations", AddDuration},
    {"JSON", AddJson},
    {"JSON: containment and order", AddJsonContain},
    {"JSON: construction", AddJsonBuild},
    {"JSON: changes", AddJsonEdit},
    {"JSON: layout", AddJsonForm},
    {"JSON: paths", AddJsonPath},
    {"Arrays", AddArray},
    {"Arrays: positions and changes", AddArrayEdit},
    {"Arrays: order and totals", AddArrayOrder},
    {"Bytes", AddBytea},
    {"Bytes: LIKE", AddByteaLike},
    {"Bytes: character sets", AddByteaCharset},
    {"Bytes as text", AddEncoding},
    {"Cryptographic hashes", AddHash},
    {"Other hashes and checksums", AddKeyedHash},
    {"UUID", AddUuid},
    {"Network addresses", AddInet},
    {"Network addresses: operators", AddInetOperators},
    {"Network addresses: many networks", AddIpIn},
    {"URLs", AddUrl},
    {"Places", AddGeo},
    {"Personal data", AddMask},
    {"Date and time: periods", AddOverlaps},
    {"Casts", AddCasts},
    {"Types", AddCastModifiers},
    {"Casts that do not fail", AddTryCasts},
};

}  // namespace streamrun
