using System.CommandLine;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary>The options <c>--no-reconnect</c> and <c>--no-resume</c> of a verb that goes on when its connection is lost, and what it says then.</summary>
internal sealed class ReconnectOptions
{
    private readonly Option<bool> _noReconnect = new("--no-reconnect") { Description = "End, with exit code 3, when the connection is lost." };
    private readonly Option<bool> _noResume = new("--no-resume") { Description = "Do not take up the session again after a lost connection: be a new user each time." };

    public void AddTo(Command command)
    {
        command.Add(_noReconnect);
        command.Add(_noResume);
    }

    public HubClientOptions Configure(ParseResult arguments, HubClientOptions options) => options with
    {
        Reconnect = arguments.GetValue(_noReconnect) ? null : new(),
        Resume = !arguments.GetValue(_noResume),
    };

    /// <summary>From now on, tells of lost connections and of what became of the session.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="bad">Shows what went wrong.</param>
    /// <param name="good">Shows what is well again.</param>
    public static void Announce(HubClient client, Action<string> bad, Action<string> good)
    {
        client.ConnectionStateChanged += (_, change) =>
        {
            if (change.NewState == ConnectionState.Reconnecting)
            {
                bad($"{Failure.Explain(change.Reason).Message}; connecting again");
            }
        };
        client.SessionResumed += (_, _) => good($"connected again as user {client.UserId}; nothing was lost");
        client.IdentityChanged += (_, change) =>
        {
            bad($"connected again as user {change.NewUserId}; what had not arrived for user {change.OldUserId} is lost");
            if (change.UnknownRelays > 0)
            {
                bad($"of {change.UnknownRelays} sent messages it is not known whether they arrived");
            }
        };
    }

    /// <summary>Announces on stderr.</summary>
    public static void AnnounceOnError(HubClient client) => Announce(client, Say, Say);

    private static void Say(string text) => Console.Error.WriteLine($"mds: {text}");
}
