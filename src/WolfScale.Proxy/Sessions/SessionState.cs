using System.Buffers;
using System.Text;
using WolfScale.Proxy.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What ties a session to its server until it ends.</summary>
[Flags]
internal enum PassingTies : byte
{
    None = 0,
    LockedTables = 1 << 0,
    UserLocks = 1 << 1,
    Cursor = 1 << 2,

    /// <summary>Sent ahead of the execution.</summary>
    Parameters = 1 << 3,
}

/// <summary>
/// What a session has set, as its server reports it (session tracking), and what ties it to one server. From this another server is brought to the same
/// state.
/// </summary>
internal sealed class SessionState
{
    private const string Default = "DEFAULT";

    private static readonly HashSet<string> SystemSchemas = new(StringComparer.OrdinalIgnoreCase) { "information_schema", "performance_schema", "mysql", "sys" };
    private static readonly SearchValues<char> OfNumbers = SearchValues.Create("0123456789.-");

    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly HashSet<string> _setByNames = []; // variables whose value is still that of SET NAMES … COLLATE
    private string _collation = "";
    private byte[]? _role;
    private string? _roleIsUnknown; // and why
    private readonly SortedDictionary<string, string> _userVariables = new(StringComparer.Ordinal);

    private string? _tie;
    private PassingTies _passing;

    /// <summary>Grows with every change.</summary>
    public int Version { get; private set; }

    public string? Schema
    {
        get;
        private set
        {
            field = value;
            InSystemSchema = value is { Length: > 0 } && SystemSchemas.Contains(value);
        }
    }

    /// <summary>A table without a schema's name may tell of one server.</summary>
    public bool InSystemSchema { get; private set; }

    /// <summary>RAND() goes on from where the client has set it, on this server alone.</summary>
    public bool IsSeeded { get; private set; }

    /// <summary>Why the session cannot move to another server, or null.</summary>
    public string? Tie => _tie ?? Describe(_passing);

    /// <summary>What a statement is read under at this moment.</summary>
    public ParsingContext ParsedUnder { get; private set; } = new(null, null, null, null);

    /// <summary>Of the variables whose value matters to the proxy itself.</summary>
    public string? Variable(string name) => _variables.GetValueOrDefault(name);

    /// <summary>As after the login, in this schema.</summary>
    public void Reset(string? schema)
    {
        _variables.Clear();
        _userVariables.Clear();
        _setByNames.Clear();
        (Schema, _tie, _passing, _role) = (schema, null, PassingTies.None, null);
        (_roleIsUnknown, IsSeeded) = (null, false);
        Version++;
        ParsedUnder = new ParsingContext(schema, null, null, null);
    }

    /// <summary>As after COM_RESET_CONNECTION, which leaves the schema and the role as they are (MariaDB 10.11, measured).</summary>
    public void Renew()
    {
        var (role, why) = (_role, _roleIsUnknown);
        Reset(Schema);
        _role = role;
        if (why is not null)
            LoseRole(why);
    }

    /// <summary>It cannot move any more, whatever ends.</summary>
    public bool IsTiedForGood => _tie is not null;

    /// <summary>It cannot move any more.</summary>
    public void TieTo(string why) => _tie ??= why;

    /// <summary>It cannot move until this has ended.</summary>
    public void TieWhile(PassingTies tie) => _passing |= tie;

    /// <summary>This has ended.</summary>
    public void Loosen(PassingTies tie) => _passing &= ~tie;

    public bool IsTiedBy(PassingTies ties) => (_passing & ties) != 0;

    /// <summary>Takes over what an OK reports.</summary>
    /// <param name="changes">The session-track part of it.</param>
    /// <param name="statement">What was executed: the report does not tell everything.</param>
    /// <param name="sql">Its text; empty where it was not kept.</param>
    /// <param name="inRoutine">It comes from within a routine, which goes on: at its end some variables are what they were (MariaDB 10.11), and that is not reported.</param>
    /// <param name="readUnder">How the server read the text.</param>
    public void Apply(ReadOnlySpan<byte> changes, StatementClass statement = default, ReadOnlySpan<byte> sql = default, bool inRoutine = false, ClassifierOptions readUnder = default)
    {
        var before = Version;
        var list = statement.Has(StatementTraits.SetsForItself) && !statement.Has(StatementTraits.MultiStatement) ? ListForItself(sql, readUnder) : default; // the next OK reports what these variables were put back to
        // Of several statements the others set what stays; what is wrongly taken for that is reported again when it is put back.
        var allForItself = statement.Has(StatementTraits.SetsForItself) && !statement.Has(StatementTraits.MultiStatement) && list.IsEmpty;
        var (charset, collation) = (false, false);
        var reader = new SessionChanges(changes);
        while (reader.Next())
        {
            if (reader.Kind == SessionChangeKind.Schema)
            {
                Schema = Encoding.UTF8.GetString(reader.Value);
                Version++;
            }
            else if (reader.Kind == SessionChangeKind.SystemVariables && reader.Name.SequenceEqual("timestamp"u8))
            {
                // Reported at other times too, with the time of day.
                if (statement.Has(StatementTraits.SetsClock | StatementTraits.ResetsClock))
                    SetClock(statement.Has(StatementTraits.ResetsClock) ? Default : Encoding.UTF8.GetString(reader.Value));
            }
            else if (reader.Kind != SessionChangeKind.SystemVariables || allForItself || IsSetIn(list, reader.Name, readUnder))
            {
                // Something else, or for that statement alone.
            }
            else if (reader.Name.StartsWith("rand_seed"u8))
            {
                IsSeeded = true;
                TieTo("its random numbers were seeded");
            }
            else if (!IsPassing(reader.Name) && !(inRoutine && IsRoutines(reader.Name)))
            {
                charset |= reader.Name.SequenceEqual("character_set_connection"u8);
                collation |= reader.Name.SequenceEqual("collation_connection"u8);
                var name = Encoding.ASCII.GetString(reader.Name);
                _variables[name] = Encoding.UTF8.GetString(reader.Value);
                _ = _setByNames.Remove(name);
                Version++;
            }
        }

        if (charset && !collation)
            NoteNames(Encoding.UTF8.GetString(statement.Collation.Of(sql)));
        if (Version != before)
            ParsedUnder = new ParsingContext(Schema, Variable("sql_mode"), Variable("character_set_client"), _setByNames.Contains("character_set_connection") ? _collation : Variable("collation_connection"));
    }

    /// <summary>
    /// A new character set has its default collation, unless SET NAMES says otherwise: then that statement is to be repeated, because it gives the collation
    /// to the results too, which no variable does.
    /// </summary>
    private void NoteNames(string collation)
    {
        _ = _variables.Remove("collation_connection");
        _setByNames.Clear();
        _collation = collation;
        if (collation.Length > 0)
            _setByNames.UnionWith(["character_set_client", "character_set_connection", "character_set_results"]);
    }

    private void SetClock(string value)
    {
        _variables["timestamp"] = value;
        Version++;
    }

    /// <param name="statement">SET ROLE, as the client sent it.</param>
    public void SetRole(ReadOnlySpan<byte> statement)
    {
        _role = statement.ToArray();
        Version++;
    }

    /// <summary>It may have a role that nobody can give it elsewhere.</summary>
    public void LoseRole(string why)
    {
        _roleIsUnknown = why;
        TieTo(why);
    }

    /// <summary>Why it is tied for good; to be taken back where what would have tied it was not executed.</summary>
    public (string? Tie, string? LostRole) LastingTies { get => (_tie, _roleIsUnknown); set => (_tie, _roleIsUnknown) = value; }

    /// <summary>It may have another role than after its login.</summary>
    public bool HasRole => _role is not null || HasLostRole;

    /// <summary>What it may do, and how it reads, only its own connection knows: a text that the proxy has not seen may have set its role, or variables in a way that is not reported.</summary>
    public bool HasLostRole => _roleIsUnknown is not null;

    /// <summary>A user variable's value as an SQL literal.</summary>
    public void SetUserVariable(string name, string literal)
    {
        _userVariables[name] = literal;
        Version++;
    }

    public bool HasUserVariables => _userVariables.Count > 0;

    /// <summary>What is known of them is not to be relied on.</summary>
    public void ForgetUserVariables()
    {
        _userVariables.Clear();
        Version++;
    }

    /// <summary>Whether this user variable's value is known.</summary>
    public bool HasUserVariable(string name) => _userVariables.ContainsKey(name);

    /// <summary>The statement that sets these of its user variables.</summary>
    /// <param name="names">Which.</param>
    /// <param name="encoding">As the server reads the statement.</param>
    public ScriptItem UserVariables(IEnumerable<string> names, Encoding encoding) =>
        ScriptItem.Query("SET " + string.Join(", ", names.Select(name => $"@{ScriptItem.Quoted(name)}={_userVariables[name]}")), encoding);

    /// <summary>Names of the user variables whose values are known.</summary>
    public IEnumerable<string> UserVariableNames => _userVariables.Keys;

    /// <summary>The statements that bring a server on which the session has just logged in to this state.</summary>
    /// <param name="encoding">As the server reads names once the variables are set; null: UTF-8.</param>
    public IEnumerable<ScriptItem> Script(Encoding? encoding = null)
    {
        if (_setByNames.Count > 0)
            yield return ScriptItem.Query($"SET NAMES {Literal(_variables["character_set_connection"])} COLLATE {Literal(_collation)}");
        var single = _variables.Where(v => !_setByNames.Contains(v.Key)).ToList();
        if (single.Count > 0)
            yield return ScriptItem.Query("SET " + string.Join(", ", single.Select(v => $"SESSION {v.Key}={(v.Value.Length == 0 && IsNullable(v.Key) ? "NULL" : Literal(v.Value))}")));
        if (_userVariables.Count > 0)
            yield return UserVariables(_userVariables.Keys, encoding ?? Encoding.UTF8);
        if (_role is not null)
            yield return ScriptItem.Query(_role);
        if (Schema is { Length: > 0 })
            yield return ParsingContext.Use(Schema, encoding);
    }

    private static string? Describe(PassingTies ties) =>
        (ties & PassingTies.LockedTables) != 0 ? "it has locked tables"
        : (ties & PassingTies.UserLocks) != 0 ? "it holds user-level locks"
        : (ties & PassingTies.Cursor) != 0 ? "it has an open cursor"
        : (ties & PassingTies.Parameters) != 0 ? "parameters were sent ahead of a statement"
        : null;

    /// <summary>Of SET STATEMENT … FOR …: what stands before FOR.</summary>
    private static ReadOnlySpan<byte> ListForItself(ReadOnlySpan<byte> sql, ClassifierOptions readUnder)
    {
        var tokens = new SqlTokenizer(sql, readUnder);
        var (begin, depth) = (-1, 0);
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid or TokenKind.Semicolon); tokens.Next())
        {
            depth += tokens.Kind == TokenKind.OpenParen ? 1 : tokens.Kind == TokenKind.CloseParen ? -1 : 0;
            var word = tokens.Kind == TokenKind.Word && depth == 0 ? WordTable.Find(sql[tokens.Start..tokens.End]).Id : Word.None;
            if (begin >= 0 && word == Word.For)
                return sql[begin..tokens.Start];
            if (begin < 0 && word == Word.Statement)
                begin = tokens.End;
        }

        return default;
    }

    /// <summary>Whether the list sets this variable: its name is what stands before an assignment's <c>=</c>, behind SESSION, <c>@@</c> and their like.</summary>
    private static bool IsSetIn(ReadOnlySpan<byte> list, ReadOnlySpan<byte> name, ClassifierOptions readUnder)
    {
        var tokens = new SqlTokenizer(list, readUnder);
        var (last, inValue, depth) = (default(TextRange), false, 0);
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid); tokens.Next())
        {
            depth += tokens.Kind == TokenKind.OpenParen ? 1 : tokens.Kind == TokenKind.CloseParen ? -1 : 0;
            if (tokens.Kind == TokenKind.Comma && depth == 0)
            {
                inValue = false;
            }
            else if (tokens.Kind is TokenKind.Equal or TokenKind.Assign && !inValue)
            {
                if (Ascii.EqualsIgnoreCase(last.Of(list), name))
                    return true;
                inValue = true;
            }

            last = tokens.Value;
        }

        return false;
    }

    private static bool IsRoutines(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("sql_mode"u8) || name.SequenceEqual("character_set_client"u8) || name.SequenceEqual("character_set_connection"u8) || name.SequenceEqual("collation_connection"u8);

    /// <summary>Reported, and not the session's to set, or the proxy's own.</summary>
    private static bool IsPassing(ReadOnlySpan<byte> name) =>
        name.StartsWith("session_track_"u8) || name.SequenceEqual("last_gtid"u8) || name.SequenceEqual("insert_id"u8)
        || name.SequenceEqual("last_insert_id"u8) || name.SequenceEqual("identity"u8) || name.SequenceEqual("rand_seed1"u8) || name.SequenceEqual("rand_seed2"u8)
        || name.SequenceEqual("pseudo_thread_id"u8) || name.SequenceEqual("error_count"u8) || name.SequenceEqual("warning_count"u8);

    /// <summary>An empty value stands for NULL, and no server takes it back as it is (MariaDB 10.11; Connector/J sets character_set_results so).</summary>
    private static bool IsNullable(string variable) =>
        variable is "character_set_results" or "default_tmp_storage_engine" or "enforce_storage_engine" or "innodb_ft_user_stopword_table" or "innodb_tmpdir";

    /// <summary>A number as such: a variable that holds one takes no string. (The word DEFAULT is what the clock is set to; no server reports it.)</summary>
    private static string Literal(string value) =>
        value == Default ? value :
        value.Length > 0 && value.AsSpan().IndexOfAnyExcept(OfNumbers) < 0 && double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out _)
            ? value
            : $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";
}
