using WolfScale.Server.Http.Data.Committed;

namespace WolfScale.Server.Http.Data;

/// <summary>
/// A request of the data routes that ends in a problem: what the caller hears. The codes are documented in docs/http.md, and applications rely on them.
/// </summary>
internal sealed class DataProblemException(int status, string code, string title, string detail) : Exception(detail)
{
    public int Status => status;

    public string Code => code;

    public string Title => title;

    /// <summary>MariaDB's number of the error, where it is MariaDB's.</summary>
    public int? MariaDbError { get; init; }

    /// <summary>The name that was probably meant.</summary>
    public string? Nearest { get; init; }

    /// <summary>Seconds after which the same request may be sent again; null: not by itself.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>Where the request was written all the same: its place in the log.</summary>
    public CommittedPlace? Place { get; init; }

    public static DataProblemException BadRequest(string code, string detail) => new(400, code, "The request could not be understood", detail);

    public static DataProblemException Unfit(string code, string detail) => new(422, code, "The request does not fit the database", detail);
}
