namespace WolfScale.Server.Http.Data.Sessions;

/// <summary>What a session of the API is for. It does not change while the session lives.</summary>
internal enum SessionKind
{
    /// <summary>The writes that the API itself makes.</summary>
    Write,

    /// <summary>The API's own questions.</summary>
    Question,

    /// <summary>Somebody's SQL that may write.</summary>
    AnySql,

    /// <summary>Somebody's SQL that must not write: all its transactions are READ ONLY.</summary>
    ReadSql,

    /// <summary>Somebody's SQL that must not write, and may read old data: on this node's own server, past the proxy, which logs nobody in while nobody leads.</summary>
    OwnServerSql,
}
