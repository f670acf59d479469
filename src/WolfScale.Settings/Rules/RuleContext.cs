namespace WolfScale.Settings.Rules;

/// <summary>What a rule sees: the values, and where each was given.</summary>
public sealed class RuleContext(NodeConfiguration configuration, IReadOnlyDictionary<string, SourcePosition> positions, string file)
{
    public NodeConfiguration Configuration { get; } = configuration;

    /// <summary>Whether the key was given at all, and so is not just its default.</summary>
    public bool Given(string key) => positions.ContainsKey(key);

    public Finding Error(string code, string key, string message) => Make(Severity.Error, code, key, message);

    public Finding Warning(string code, string key, string message) => Make(Severity.Warning, code, key, message);

    public Finding Remark(string code, string key, string message) => Make(Severity.Remark, code, key, message);

    private Finding Make(Severity severity, string code, string key, string message) =>
        new(severity, code, key, positions.TryGetValue(key, out var at) ? at : new SourcePosition(file), message);
}
