namespace WolfScale.Settings;

/// <summary>From the most to the least talkative.</summary>
public enum LogDetail
{
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// <summary>How a log line looks.</summary>
public enum LogFormat
{
    Text,
    Json,
}

/// <summary>The node's own log.</summary>
public sealed record LoggingSection
{
    [Live]
    public LogDetail Level { get; init; } = LogDetail.Info;

    [Live]
    public LogFormat Format { get; init; } = LogFormat.Text;

    /// <summary>Empty: standard error, which the journal keeps.</summary>
    public string File { get; init; } = "";
}
