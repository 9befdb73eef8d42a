namespace MessageDelivery.Web.Answers;

/// <summary>What is at a path.</summary>
/// <param name="Path">The whole path, letter by letter.</param>
/// <param name="Answer">Writes the answer.</param>
internal sealed record Route(string Path, Func<HttpExchange, Task> Answer)
{
    /// <summary>The methods that it answers; to HEAD Kestrel sends no body.</summary>
    public IReadOnlyList<string> Methods { get; init; } = ["GET", "HEAD"];
}

/// <summary>All that there is.</summary>
internal sealed class RouteTable(IEnumerable<Route> routes)
{
    private readonly Dictionary<string, Route> _byPath = routes.ToDictionary(static route => route.Path, StringComparer.Ordinal);

    public Route? Find(string path) => _byPath.GetValueOrDefault(path);
}
