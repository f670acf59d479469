using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using WolfScale.Client;

namespace WolfScale.Unit.Server;

/// <summary>The codes of problems, on which programs rely: docs/http.md names those of the program with their statuses, and no others.</summary>
public sealed partial class ProblemCodesTests
{
    private const string Document = "docs/http.md";

    /// <summary>In the data routes' table in backticks too, and no codes.</summary>
    private static readonly string[] Fields = ["lsn", "gtid"];

    /// <summary>Second arguments that name no code themselves: what they hold is found where it is made.</summary>
    private static readonly string[] Variables = ["code", "outcome.Code"];

    [Fact]
    public void Every_code_of_the_data_routes_is_documented_with_its_status()
    {
        var made = OfDataRoutes();
        var rows = Repository.Table(Document, "| status | codes |");

        Assert.True(made.Count > 30, string.Join(' ', made));
        Assert.DoesNotContain(made, m => !rows.Any(r => Words(r[1]).Contains(m.Code) && Numbers(r[0]).Contains(m.Status)));
        var all = made.Concat(OfOperators()).Select(m => m.Code).ToHashSet();
        Assert.DoesNotContain(rows.SelectMany(r => Words(r[1])).Except(Fields), c => !all.Contains(c));
    }

    [Fact]
    public void Every_code_of_the_other_routes_is_documented_with_its_status()
    {
        var made = OfOperators();
        var rows = Repository.Table(Document, "| code | status |");

        Assert.True(made.Count > 35, string.Join(' ', made));
        Assert.All(rows, r => Assert.True(r is [_, _, { Length: > 0 }, { Length: > 0 }] && Words(r[0]).Count == 1, string.Join('|', r)));
        Assert.DoesNotContain(made, m => !rows.Any(r => Words(r[0]).Contains(m.Code) && (m.Status == 0 || Numbers(r[1]).Contains(m.Status))));
        Assert.Empty(rows.SelectMany(r => Words(r[0])).Except(made.Select(m => m.Code)));
    }

    private static List<(string Code, int Status)> OfDataRoutes()
    {
        List<(string, int)> codes = [];
        var sources = Repository.Sources("src/WolfScale.Server/Http/Data").ToList();
        var constants = sources.SelectMany(s => ConstantOf().Matches(s)).ToLookup(m => m.Groups[1].Value, m => m.Groups[2].Value);
        foreach (var made in sources.SelectMany(s => OfData().Matches(s)).Where(m => !Variables.Contains(m.Groups["code"].Value)))
        {
            var status = made.Groups["status"] is { Success: true } digits ? Number(digits.Value) : made.Groups["name"].Value == "Unfit" ? 422 : 400;
            var code = made.Groups["code"].Value;
            List<string> named = constants.Contains(code) ? [.. constants[code]] : Literals(code[(code.IndexOf('?', StringComparison.Ordinal) + 1)..]);
            Assert.True(named.Count > 0, $"Which code is \"{code}\"? {made.Value}");
            codes.AddRange(named.Select(c => (c, status)));
        }

        return [.. codes.Distinct()];
    }

    /// <summary>All that the server makes and the data routes do not; a status of 0 is known only when it happens.</summary>
    private static List<(string Code, int Status)> OfOperators()
    {
        List<(string, int)> codes = [];
        foreach (var source in Repository.Sources("src/WolfScale.Server"))
        {
            foreach (Match made in Made().Matches(source))
            {
                var (status, code) = (Status(made.Groups["status"].Value), made.Groups["code"].Value);
                var named = code.StartsWith(nameof(VerifyProblems), StringComparison.Ordinal) ? [Constant(code[(nameof(VerifyProblems).Length + 1)..])] : Literals(code);
                Assert.True(named.Count > 0 || Variables.Contains(code), $"Which code is \"{code}\"? {made.Value}");
                codes.AddRange(named.Select(c => (c, status)));
            }

            codes.AddRange(Chosen().Matches(source).SelectMany(m => Literals(m.Value)).Select(c => (c, c == "too_large" ? 413 : 400)));
            codes.AddRange(Refused().Matches(source).Select(m => (m.Groups["code"].Value, m.Groups["code"].Value == "not_found" ? 404 : m.Groups["departure"].Success ? 409 : 401)));
        }

        return [.. codes.Distinct()];
    }

    private static int Status(string text) => StatusName().Match(text) is { Success: true } name ? Number(name.Groups[1].Value) : 0;

    private static string Constant(string name) => (string)typeof(VerifyProblems).GetField(name, BindingFlags.Public | BindingFlags.Static)!.GetRawConstantValue()!;

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    private static List<string> Words(string cell) => [.. Word().Matches(cell).Select(m => m.Groups[1].Value)];

    private static List<int> Numbers(string cell) => [.. Digits().Matches(cell).Select(m => Number(m.Value))];

    private static List<string> Literals(string expression) => [.. Literal().Matches(expression).Select(m => m.Groups[1].Value)];

    /// <summary>What stands after a status, or first in a call that makes a problem of a known status.</summary>
    [GeneratedRegex(@"(?:(?:DataProblemException|\bnew|\bOf)\((?:e, )?\s*(?<status>\d{3}), |\b(?<name>BadRequest|Unfit)\(\s*(?!string ))(?<code>[^,]+?),")]
    private static partial Regex OfData();

    /// <summary><c>Problems.Make(status, code, …)</c>.</summary>
    [GeneratedRegex(@"\bMake\(\s*(?!int )(?<status>[^,()]*\bStatus[^,()]*?|e\.Status(?:Code)?),\s*(?<code>[^,]+?),")]
    private static partial Regex Made();

    [GeneratedRegex("""const string (\w+) = "([a-z_0-9]+)";""")]
    private static partial Regex ConstantOf();

    [GeneratedRegex(@"\bcode = [^;]*\?[^;]*;")]
    private static partial Regex Chosen();

    [GeneratedRegex("""(?<departure>Departure\.)?\bRefused\(\s*"(?<code>[a-z_0-9]+)",""")]
    private static partial Regex Refused();

    [GeneratedRegex(@"StatusCodes\.Status(\d{3})")]
    private static partial Regex StatusName();

    [GeneratedRegex("`([a-z_0-9]+)`")]
    private static partial Regex Word();

    [GeneratedRegex(@"\b\d{3}\b")]
    private static partial Regex Digits();

    [GeneratedRegex("\"([a-z_0-9]+)\"")]
    private static partial Regex Literal();
}
