using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>
/// What trials of limits need of a protocol, each in its own words: in the clear or in TLS, with a hub that lets everybody in or demands
/// a token. A protocol whose words are added to <see cref="All"/> is tried with every limit, in each of these ways.
/// </summary>
internal abstract class SpokenProtocol
{
    // Of two identities: what one has used up is there for the other.
    private static readonly (TokenFile File, string One, string Other) Known = MakeTokens();

    public static IReadOnlyList<SpokenProtocol> All { get; } =
    [
        .. from isGuarded in (bool[])[false, true]
           from isSecured in (bool[])[false, true]
           from words in (Func<SpokenProtocol>[])[() => new SpokenBinary(), () => new SpokenText(), () => new SpokenWebSocket()]
           let made = words()
           select made.As(isSecured, isGuarded),
    ];

    /// <summary>What it says, however.</summary>
    public abstract string Words { get; }

    /// <summary>Whether it says it in TLS.</summary>
    public bool IsSecured { get; private set; }

    /// <summary>Whether the hub demands a token.</summary>
    public bool IsGuarded { get; private set; }

    public string Name => $"{(IsSecured ? "TLS " : "")}{Words}{(IsGuarded ? " with tokens" : "")}";

    /// <summary>What lets a user in; empty where nothing need.</summary>
    public string Token => IsGuarded ? Known.One : "";

    /// <summary>The same for somebody else.</summary>
    public string OtherToken => IsGuarded ? Known.Other : "";

    /// <summary>What a hub needs to be spoken to so.</summary>
    public MessageHubOptions Prepare(MessageHubOptions options) => options with
    {
        Tls = IsSecured ? TestCertificates.Tls(HubTlsMode.Required) : options.Tls,
        Authenticator = IsGuarded ? new TokenAuthenticator(Known.File) : null,
    };

    /// <summary>A connection on which nothing of this protocol was said.</summary>
    public async Task<RawConnection> ConnectAsync(RunningHub hub)
    {
        var connection = await hub.ConnectAsync();
        return await BeginAsync(IsSecured ? await connection.SecureAsync(TestCertificates.Client()) : connection);
    }

    /// <summary>What comes before anything that it says.</summary>
    protected virtual Task<RawConnection> BeginAsync(RawConnection connection) => Task.FromResult(connection);

    /// <summary>A user.</summary>
    public Task<RawConnection> JoinAsync(RunningHub hub) => JoinAsync(hub, Token);

    /// <summary>A user with this token.</summary>
    public async Task<RawConnection> JoinAsync(RunningHub hub, string token) => await EnterAsync(await ConnectAsync(hub), token);

    /// <summary>Makes a connection a user.</summary>
    public abstract Task<RawConnection> EnterAsync(RawConnection connection, string token);

    /// <summary>What a connection says first, whole.</summary>
    public byte[] FirstWords => SayWho(Token);

    /// <summary>What shows a token; without one, what asks for an id.</summary>
    public abstract byte[] SayWho(string token);

    /// <summary>First bytes that do not tell yet what they are the beginning of.</summary>
    public abstract byte[] UnfinishedFirstBytes { get; }

    /// <summary>As many bytes as may come before a token, if not the token itself; they are not answered.</summary>
    public abstract byte[] MaxEarlyBytes { get; }

    /// <summary>More than may come before a token.</summary>
    public abstract byte[] TooManyEarlyBytes { get; }

    /// <summary>What makes the hub say much to somebody without a token, as far as it can be made to.</summary>
    public abstract byte[] EarlyQuestions { get; }

    /// <summary>What the last answer to them contains.</summary>
    public abstract string LastOfEarlyAnswers { get; }

    /// <summary>What a user says who wants to be disconnected.</summary>
    public abstract byte[] Farewell { get; }

    public abstract byte[] List { get; }

    /// <summary>A request that is answered by an error.</summary>
    public abstract byte[] Wrong { get; }

    public abstract byte[] Echo(string text);

    /// <summary>A relay of so many letters.</summary>
    public abstract byte[] Relay(ulong[] receivers, int bytes);

    /// <summary>Begins a relay of which so many letters come.</summary>
    public abstract Task BeginRelayAsync(RunningHub hub, RawConnection peer, ulong receiver, int bytes, int sent);

    public abstract Task ExpectMessageAsync(RawConnection peer, ulong sender, int bytes);

    public abstract Task ExpectListAsync(RawConnection peer, params ulong[] ids);

    public abstract Task ExpectEchoAsync(RawConnection peer, string text);

    /// <summary>The error of <see cref="Wrong"/>.</summary>
    public abstract Task ExpectWrongAsync(RawConnection peer);

    /// <summary>An error; the connection goes on.</summary>
    public abstract Task ExpectErrorAsync(RawConnection peer, ProtocolCode code);

    /// <summary>The last words, and the end.</summary>
    /// <param name="text">What they contain.</param>
    public abstract Task ExpectEndAsync(RawConnection peer, ProtocolCode code, string text = "");

    /// <summary>The same for who has said nothing: in words that a person can read, where it is not known who is there.</summary>
    public virtual Task ExpectEndOfSilentAsync(RawConnection peer, ProtocolCode code, string text) => new SpokenText().ExpectEndAsync(peer, code, text);

    /// <summary>The answer to <see cref="Farewell"/>, and the end.</summary>
    public abstract Task ExpectFarewellAsync(RawConnection peer);

    /// <summary>Somebody without a token has asked for something: it is told that one is wanted.</summary>
    public abstract Task ExpectTokenWantedAsync(RawConnection peer);

    public override string ToString() => Name;

    protected static byte[] Letters(int count)
    {
        byte[] letters = new byte[count];
        Array.Fill(letters, (byte)'x');
        return letters;
    }

    private static (TokenFile File, string One, string Other) MakeTokens()
    {
        using var tokens = new Tokens();
        string one = tokens.Add("one"), other = tokens.Add("other");
        return (TokenFile.Load(tokens.Path), one, other);
    }

    private SpokenProtocol As(bool isSecured, bool isGuarded)
    {
        (IsSecured, IsGuarded) = (isSecured, isGuarded);
        return this;
    }
}
