using System.Collections.Immutable;
using WolfScale.Settings.Rules;

namespace WolfScale.Settings;

/// <summary>A configuration as it was read, and what there is to say about it.</summary>
/// <param name="Configuration">With defaults where nothing usable was given; only to be run when <see cref="Valid"/>.</param>
/// <param name="Findings">Errors first, then by position.</param>
/// <param name="Positions">Where each given key (<c>section.key</c>) stands.</param>
public sealed record LoadedConfiguration(
    NodeConfiguration Configuration, ImmutableArray<Finding> Findings, ImmutableDictionary<string, SourcePosition> Positions)
{
    public bool Valid => Findings.All(f => f.Severity != Severity.Error);
}

/// <summary>
/// Reads and checks a configuration: 1 the file's values, 2 the environment's over them, 3 each against its key, 4 secrets from files,
/// 5 what must be given, 6 the rules between keys.
/// </summary>
public sealed class ConfigurationLoader
{
    private readonly string _file;
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<string, SourcePosition> _positions = [];

    private bool _holdsSecrets;

    private ConfigurationLoader(string file) => _file = file;

    /// <summary>Reads a file and this process's environment.</summary>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static LoadedConfiguration LoadFile(string path) => Load(File.ReadAllText(path), path, EnvironmentSource.Read());

    /// <summary>Reads a text and the given overrides.</summary>
    public static LoadedConfiguration Load(string toml, string file, ImmutableArray<GivenValue> overrides) => new ConfigurationLoader(file).Run(toml, overrides);

    private LoadedConfiguration Run(string toml, ImmutableArray<GivenValue> overrides)
    {
        var configuration = new NodeConfiguration();
        var given = TomlSource.Read(toml, _file, _findings);                                // 1
        if (_findings.Count == 0)
        {
            foreach (var value in given.Concat(overrides))                                  // 2
                Apply(configuration, value);                                                // 3
            foreach (var section in ConfigurationSchema.Sections)
                Complete(section.Name, section, section.Property!.GetValue(configuration)!, new SourcePosition(_file)); // 4, 5
            _findings.AddRange(ConfigurationRules.Check(new RuleContext(configuration, _positions, _file)));            // 6
        }

        if (_holdsSecrets && PrivateFile.IsOpenToOthers(_file))
        {
            Warning("open_file", "", new SourcePosition(_file),
                $"everybody on this machine can read {_file}, and it holds secrets: chmod 640 {_file}, with the service's group, or put them into files of their own (secret_file, token_file, password_file)");
        }

        var ordered = _findings.OrderByDescending(f => f.Severity).ThenBy(f => f.Position.Line).ThenBy(f => f.Position.Column);
        return new LoadedConfiguration(configuration, [.. ordered], _positions.ToImmutableDictionary());
    }

    private void Apply(NodeConfiguration configuration, GivenValue given)
    {
        var section = ConfigurationSchema.Find(given.Section);
        if (section is null)
        {
            if (given.Section.Length == 0 && ConfigurationSchema.Find(given.Key) is not null)
                Error("wrong_type", given.Key, given.Position, $"{given.Key} is a section: write [{given.Key}]");
            else
                UnknownSection(given);
            return;
        }

        if (given.Key.Length > 0)
            ApplyKey(section, section.Property!.GetValue(configuration)!, section.Name, given);
    }

    private void UnknownSection(GivenValue given)
    {
        var name = given.Section.Length > 0 ? given.Section : given.Key;
        if (given.Section.Length > 0 && given.Key.Length > 0 && !given.IsText)
            return; // said once, at the section's own line
        var sections = ConfigurationSchema.Sections.Select(s => s.Name);
        var nearest = NearestName.Find(name, sections);
        if (given.Section.Length == 0)
        {
            var owner = ConfigurationSchema.Sections.FirstOrDefault(s => s.AcceptedNames.Contains(name));
            Error("unknown_key", name, given.Position, $"\"{name}\" stands outside any section" + (owner is null ? "" : $"; did you mean {name} under [{owner.Name}]?"));
            return;
        }

        Error("unknown_section", name, given.Position, $"unknown section [{name}]" +
            (nearest is null ? $"; there are {string.Join(", ", sections.Select(s => $"[{s}]"))}" : $"; did you mean [{nearest}]?"));
    }

    /// <summary>Sets one key of a section's (or table's) record.</summary>
    private void ApplyKey(SectionSchema schema, object record, string path, GivenValue given)
    {
        var name = $"{path}.{given.Key}";
        var key = schema.Find(given.Key);
        if (key is null && FileForm(schema, given.Key) is { } secret)
        {
            ApplySecretFile(secret, record, path, given);
            return;
        }

        if (key is null)
        {
            UnknownKey(schema, path, given);
            return;
        }

        if (key.Secret && !given.IsText && _positions.ContainsKey(name))
        {
            GivenTwice(name, given);
            return;
        }

        _positions[name] = given.Position;
        _holdsSecrets |= key.Secret && !given.IsText && given.Value is string { Length: > 0 };
        if (key.TableType is { } table)
        {
            ApplyTables(key, table, record, name, given);
            return;
        }

        if (ValueReader.Read(key, given, out var problem) is { } value)
            key.Property.SetValue(record, value);
        else
            Error("wrong_value", name, given.Position, $"{path}.{problem}");
    }

    /// <summary>The parser refuses a key written twice, so a secret that is there already came in its other form.</summary>
    private void GivenTwice(string name, GivenValue given) =>
        Error("given_twice", name, given.Position, $"{name} and {name}{ConfigurationSchema.FileSuffix} are both given: keep one");

    private void UnknownKey(SectionSchema schema, string path, GivenValue given)
    {
        var nearest = NearestName.Find(given.Key, schema.AcceptedNames);
        var elsewhere = ConfigurationSchema.Sections.FirstOrDefault(s => s.AcceptedNames.Contains(given.Key));
        var hint = nearest is not null ? $"; did you mean \"{nearest}\"?"
            : elsewhere is not null ? $"; \"{given.Key}\" belongs under [{elsewhere.Name}]"
            : $"; [{path}] has {string.Join(", ", schema.Keys.Select(k => k.Name))}";
        Error("unknown_key", $"{path}.{given.Key}", given.Position, $"unknown key \"{given.Key}\" in [{path}]{hint}");
    }

    private void ApplyTables(KeySchema key, Type table, object record, string name, GivenValue given)
    {
        if (given.Value is not ImmutableArray<GivenTable> tables)
        {
            if (given.Value is ImmutableArray<object> { Length: 0 })
                return;
            Error("wrong_value", name, given.Position, $"{name} is a list of tables: write [[{name}]]");
            return;
        }

        var schema = new SectionSchema(name, null, table);
        var items = tables.Select(t =>
        {
            foreach (var before in schema.AcceptedNames)
                _ = _positions.Remove($"{name}.{before}"); // of the table before: each is given anew
            var item = TableRecord.New(table);
            foreach (var value in t.Values)
                ApplyKey(schema, item, name, value);
            Complete(name, schema, item, t.Position);
            return item;
        });
        key.Property.SetValue(record, TableRecord.List(table, items));
    }

    private static KeySchema? FileForm(SectionSchema schema, string name) => name.EndsWith(ConfigurationSchema.FileSuffix, StringComparison.Ordinal)
        ? schema.Keys.FirstOrDefault(k => k.Secret && k.Name + ConfigurationSchema.FileSuffix == name)
        : null;

    /// <summary>Reads a secret from its file, without the line end an editor leaves. Giving both forms is an error, because one would win silently.</summary>
    private void ApplySecretFile(KeySchema secret, object record, string path, GivenValue given)
    {
        var name = $"{path}.{secret.Name}";
        if (_positions.ContainsKey(name) && !given.IsText)
        {
            GivenTwice(name, given);
            return;
        }

        _positions[name] = given.Position;
        if (given.Value is not string file)
        {
            Error("wrong_value", name, given.Position, $"{name}{ConfigurationSchema.FileSuffix} must be the path of a file");
            return;
        }

        try
        {
            secret.Property.SetValue(record, File.ReadAllText(file).TrimEnd('\r', '\n'));
            WarnOfOpen(file, name + ConfigurationSchema.FileSuffix, given.Position);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Error("unreadable_file", name, given.Position, $"{name}{ConfigurationSchema.FileSuffix}: cannot read {file} as {Environment.UserName}: {e.Message}");
        }
    }

    /// <summary>What must be given is there, and files that are named can be read.</summary>
    private void Complete(string path, SectionSchema schema, object record, SourcePosition position)
    {
        foreach (var key in schema.Keys)
        {
            var name = $"{path}.{key.Name}";
            if (key.Required && !_positions.ContainsKey(name))
                Error("missing_key", name, position, $"{name} is missing and required");
            if (!key.ReadableFile || key.Property.GetValue(record) is not string { Length: > 0 } file)
                continue;
            if (key.Name.EndsWith("_key", StringComparison.Ordinal))
                WarnOfOpen(file, name, _positions.GetValueOrDefault(name, position));
            if (Unreadable(file) is { } reason)
                Error("unreadable_file", name, _positions.GetValueOrDefault(name, position), $"{name}: cannot read {file} as {Environment.UserName}: {reason}");
        }
    }

    /// <summary>A warning and no error: container platforms hand secrets out like this, to a machine where nobody else is.</summary>
    private void WarnOfOpen(string file, string key, SourcePosition position)
    {
        if (PrivateFile.IsOpenToOthers(file))
            Warning("open_file", key, position, $"{key}: everybody on this machine can read {file}: chmod 600 {file}, with the service's account as its owner");
    }

    private static string? Unreadable(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private void Warning(string code, string key, SourcePosition position, string message) =>
        _findings.Add(new Finding(Severity.Warning, code, key, position, message));

    private void Error(string code, string key, SourcePosition position, string message) =>
        _findings.Add(new Finding(Severity.Error, code, key, position, message));
}
