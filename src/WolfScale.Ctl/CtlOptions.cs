using System.CommandLine;
using System.Globalization;

namespace WolfScale.Ctl;

/// <summary>The options every verb of <c>wolfctl</c> understands, beside those both programs have.</summary>
internal static class CtlOptions
{
    /// <summary>The variable that may hold the token; <c>--token-file</c> goes before it, the configuration's after it.</summary>
    public const string TokenVariable = "WOLFCTL_TOKEN";

    private const int DefaultTimeoutS = 30;

    public static Option<string[]> Endpoint { get; } = new("--endpoint", "-e")
    {
        Description = "A node's HTTP API; repeatable. Without it: the configuration's own node, then its peers",
        HelpName = "URL",
        DefaultValueFactory = _ => [],
        Recursive = true,
    };

    public static Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = $"A file that holds the API token; else {TokenVariable}, else the configuration's",
        HelpName = "FILE",
        Recursive = true,
    };

    public static Option<string?> CaCertificate { get; } = new("--cacert")
    {
        Description = "The authority (PEM) that signed the nodes' certificates",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>For a whole answer. Without a default of its own: the help would show it as hours, minutes and seconds.</summary>
    public static Option<TimeSpan?> Timeout { get; } = new("--timeout")
    {
        Description = $"How long to wait for an answer, in seconds [default: {DefaultTimeoutS}]",
        HelpName = "SECONDS",
        Recursive = true,
        CustomParser = result =>
        {
            if (double.TryParse(result.Tokens[^1].Value, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 86_400)
                return TimeSpan.FromSeconds(seconds);
            result.AddError($"--timeout takes seconds, more than 0 and at most 86400, and not \"{result.Tokens[^1].Value}\"");
            return null;
        },
    };

    /// <summary>At debug and below, requests are shown: nothing else here has a log.</summary>
    public static Option<LogDetail?> LogLevel { get; } = GlobalOptions.LogLevelOption("at debug and trace each request to a node is shown on standard error");

    public static Option<bool> Json { get; } = new("--json") { Description = "Print the HTTP answer itself", Recursive = true };

    public static Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask", Recursive = true };

    /// <summary>How long to wait for an answer.</summary>
    public static TimeSpan Patience(ParseResult parsed) => parsed.GetValue(Timeout) ?? TimeSpan.FromSeconds(DefaultTimeoutS);

    /// <summary>Where requests are shown; null where nobody asked for it.</summary>
    public static TextWriter? RequestLog(ParseResult parsed) => parsed.GetValue(LogLevel) is LogDetail.Trace or LogDetail.Debug ? Console.Error : null;

    /// <summary>For verbs that change something.</summary>
    public static Option<bool> DryRun() => new("--dry-run") { Description = "Show what would be done, and do nothing" };
}
