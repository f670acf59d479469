using System.Buffers;
using System.Text;
using WolfScale.Proxy.Responses;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// What a session has set, as its server reports it (session tracking), and what ties it to one server. From this another server is brought to the same
/// state.
/// </summary>
internal sealed class SessionState
{
    private static readonly SearchValues<char> OfNumbers = SearchValues.Create("0123456789.-");

    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _userVariables = new(StringComparer.Ordinal);

    /// <summary>Grows with every change.</summary>
    public int Version { get; private set; }

    public string? Schema { get; private set; }

    /// <summary>Why the session cannot move to another server, or null.</summary>
    public string? Tie { get; private set; }

    /// <summary>What a statement is read under at this moment.</summary>
    public ParsingContext ParsedUnder { get; private set; } = new(null, null, null, null);

    /// <summary>Of the variables whose value matters to the proxy itself.</summary>
    public string? Variable(string name) => _variables.GetValueOrDefault(name);

    /// <summary>As after the login, in this schema.</summary>
    public void Reset(string? schema)
    {
        _variables.Clear();
        _userVariables.Clear();
        (Schema, Tie) = (schema, null);
        Version++;
        ParsedUnder = new ParsingContext(schema, null, null, null);
    }

    /// <summary>It cannot move any more.</summary>
    public void TieTo(string why) => Tie ??= why;

    /// <summary>Takes over what an OK reports.</summary>
    public void Apply(ReadOnlySpan<byte> changes)
    {
        var before = Version;
        var reader = new SessionChanges(changes);
        while (reader.Next())
        {
            if (reader.Kind == SessionChangeKind.Schema)
            {
                Schema = Encoding.UTF8.GetString(reader.Value);
                Version++;
            }
            else if (reader.Kind == SessionChangeKind.SystemVariables && !IsPassing(reader.Name))
            {
                _variables[Encoding.ASCII.GetString(reader.Name)] = Encoding.UTF8.GetString(reader.Value);
                Version++;
            }
        }

        if (Version != before)
            ParsedUnder = new ParsingContext(Schema, Variable("sql_mode"), Variable("character_set_client"), Variable("collation_connection"));
    }

    /// <summary>A user variable's value as an SQL literal.</summary>
    public void SetUserVariable(string name, string literal)
    {
        _userVariables[name] = literal;
        Version++;
    }

    /// <summary>The statements that bring a server on which the session has just logged in to this state.</summary>
    public IEnumerable<ScriptItem> Script()
    {
        if (_variables.Count > 0)
            yield return ScriptItem.Query("SET " + string.Join(", ", _variables.Select(v => $"SESSION {v.Key}={(v.Value.Length == 0 && IsNullable(v.Key) ? "NULL" : Literal(v.Value))}")));
        if (_userVariables.Count > 0)
            yield return ScriptItem.Query("SET " + string.Join(", ", _userVariables.Select(v => $"@`{v.Key.Replace("`", "``", StringComparison.Ordinal)}`={v.Value}")));
        if (Schema is { Length: > 0 })
            yield return ParsingContext.Use(Schema);
    }

    /// <summary>Reported, and not the session's to set, or the proxy's own.</summary>
    private static bool IsPassing(ReadOnlySpan<byte> name) =>
        name.StartsWith("session_track_"u8) || name.SequenceEqual("last_gtid"u8) || name.SequenceEqual("timestamp"u8) || name.SequenceEqual("insert_id"u8)
        || name.SequenceEqual("last_insert_id"u8) || name.SequenceEqual("identity"u8) || name.SequenceEqual("rand_seed1"u8) || name.SequenceEqual("rand_seed2"u8)
        || name.SequenceEqual("pseudo_thread_id"u8) || name.SequenceEqual("error_count"u8) || name.SequenceEqual("warning_count"u8);

    /// <summary>An empty value stands for NULL, and no server takes it back as it is (MariaDB 10.11; Connector/J sets character_set_results so).</summary>
    private static bool IsNullable(string variable) =>
        variable is "character_set_results" or "default_tmp_storage_engine" or "enforce_storage_engine" or "innodb_ft_user_stopword_table" or "innodb_tmpdir";

    /// <summary>A number as such: a variable that holds one takes no string.</summary>
    private static string Literal(string value) =>
        value.Length > 0 && value.AsSpan().IndexOfAnyExcept(OfNumbers) < 0 && double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out _)
            ? value
            : $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
}
