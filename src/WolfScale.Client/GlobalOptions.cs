using System.CommandLine;
using WolfScale.Settings;

namespace WolfScale.Client;

/// <summary>The options every verb understands.</summary>
public static class GlobalOptions
{
    public const string DefaultConfigPath = "/etc/wolfscale/config.toml";

    public static Option<string> Config { get; } = new("--config", "-c")
    {
        Description = "The configuration file",
        HelpName = "PATH",
        DefaultValueFactory = _ => DefaultConfigPath,
        Recursive = true,
    };

    public static Option<LogDetail?> LogLevel { get; } = LogLevelOption("over the configuration's");

    public static Option<bool> Json { get; } = new("--json") { Description = "Print facts as JSON" };

    /// <summary>Reads the file that <c>--config</c> names, with <c>--log-level</c> over it.</summary>
    /// <exception cref="RefusedException">The file is not there, or not valid: the findings are in the message.</exception>
    public static LoadedConfiguration Load(ParseResult parsed)
    {
        var path = parsed.GetValue(Config)!;
        var loaded = Read(path);
        if (!loaded.Valid)
            throw new RefusedException(
                $"{path} is not valid:\n" + string.Join('\n', loaded.Findings.Where(f => f.Severity == Severity.Error)), ExitCode.Invalid);
        return WithLevel(parsed, loaded);
    }

    /// <summary>With <c>--log-level</c> over it, where that was given.</summary>
    public static LoadedConfiguration WithLevel(ParseResult parsed, LoadedConfiguration loaded) => parsed.GetValue(LogLevel) is { } level
        ? loaded with { Configuration = loaded.Configuration with { Logging = loaded.Configuration.Logging with { Level = level } } }
        : loaded;

    /// <summary>Reads a configuration file, valid or not.</summary>
    /// <exception cref="RefusedException">The file cannot be read.</exception>
    public static LoadedConfiguration Read(string path)
    {
        try
        {
            return ConfigurationLoader.LoadFile(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RefusedException($"There is no configuration file {path}. Write one with `wolfscale init --output {path}`, or name yours with --config.", ExitCode.Invalid);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"The configuration file {path} cannot be read as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }
    }

    /// <param name="meaning">What it does, behind the levels.</param>
    public static Option<LogDetail?> LogLevelOption(string meaning)
    {
        var option = new Option<LogDetail?>("--log-level", "-l")
        {
            Description = $"trace, debug, info, warn or error; {meaning}",
            HelpName = "LEVEL",
            Recursive = true,
            CustomParser = result =>
            {
                var text = result.Tokens[^1].Value;
                if (Enum.TryParse<LogDetail>(text, ignoreCase: true, out var level) && Enum.IsDefined(level))
                    return level;
                if (text.Equals("warning", StringComparison.OrdinalIgnoreCase))
                    return LogDetail.Warn;
                result.AddError($"\"{text}\" is not a log level: trace, debug, info, warn or error");
                return null;
            },
        };
        return option;
    }
}
