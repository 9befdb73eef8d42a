# Completion of mds for bash; made by 'mds completion bash'.
_mds() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" verb="" words="" i
    COMPREPLY=()
    # bash takes --option=value apart: into three words, or two while there is no value yet.
    if [[ $word == "=" ]]; then
        word=""
    elif [[ $before == "=" ]]; then
        before="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        # What follows is text.
        if [[ ${COMP_WORDS[i]} == "--" ]]; then return; fi
        case "$verb ${COMP_WORDS[i]}" in
        " serve" | " check-config" | " doctor" | " identity" | " list" | " echo" | " relay" | " listen" | " chat" | " bench" | "bench pairs" | "bench fan-out" | "bench fan-in" | "bench mesh" | "bench rtt" | " attack" | " token" | "token add" | "token list" | "token remove" | "token jwt" | " completion" | " help") verb="${verb:+$verb }${COMP_WORDS[i]}" ;;
        esac
    done
    case "$verb" in
    "")
        words+='serve check-config doctor identity list echo relay listen chat bench attack token completion help --version --help'
        ;;
    "serve")
        case "$before" in
        --config | --auth-tokens | --jwt-keys | --jwt-secret | --audit-log | --tls-cert | --tls-key | --tls-pkcs12 | --tls-pkcs12-password-file | --tls-client-ca)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --allow-anonymous | --dev-tls) words='false true ' ;;
        --auth)
            mapfile -t COMPREPLY < <(compgen -W 'none token jwt' -- "$word")
            return
            ;;
        --full-queue)
            mapfile -t COMPREPLY < <(compgen -W 'wait leave-out' -- "$word")
            return
            ;;
        --silent-users)
            mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word")
            return
            ;;
        --log-level)
            mapfile -t COMPREPLY < <(compgen -W 'trace debug information warning error critical none' -- "$word")
            return
            ;;
        --log-format)
            mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
            return
            ;;
        --ids)
            mapfile -t COMPREPLY < <(compgen -W 'sequential random' -- "$word")
            return
            ;;
        --tls | --tls-client-cert)
            mapfile -t COMPREPLY < <(compgen -W 'off optional required' -- "$word")
            return
            ;;
        --port | --listen | --jwt-issuer | --jwt-audience | --jwt-clock-skew | --queue-limit | --stall-timeout | --max-connections | --max-http-connections | --memory-limit | --send-buffer | --heartbeat | --keepalive | --resume-window | --resume-retention | --confirm-timeout | --drain-timeout | --event-loops | --max-connections-per-address | --connection-rate | --max-connections-per-user | --handshake-timeout | --auth-timeout | --relay-rate | --byte-rate | --list-rate | --echo-rate | --max-errors | --least-progress | --max-body | --max-receivers | --allow-host | --allow-origin | --trusted-proxy) return ;;
        esac
        words+='--config --port --listen --allow-anonymous --auth --auth-tokens --jwt-keys --jwt-secret --jwt-issuer --jwt-audience --jwt-clock-skew --queue-limit --full-queue --stall-timeout --max-connections --max-http-connections --silent-users --memory-limit --send-buffer --heartbeat --keepalive --resume-window --resume-retention --confirm-timeout --drain-timeout --event-loops --log-level --log-format --audit-log --max-connections-per-address --connection-rate --max-connections-per-user --handshake-timeout --auth-timeout --relay-rate --byte-rate --list-rate --echo-rate --max-errors --least-progress --max-body --max-receivers --ids --allow-host --allow-origin --trusted-proxy --tls --tls-cert --tls-key --tls-pkcs12 --tls-pkcs12-password-file --tls-client-ca --tls-client-cert --dev-tls --help'
        ;;
    "check-config")
        case "$before" in
        --config | --auth-tokens | --jwt-keys | --jwt-secret | --audit-log | --tls-cert | --tls-key | --tls-pkcs12 | --tls-pkcs12-password-file | --tls-client-ca)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --allow-anonymous | --dev-tls) words='false true ' ;;
        --auth)
            mapfile -t COMPREPLY < <(compgen -W 'none token jwt' -- "$word")
            return
            ;;
        --full-queue)
            mapfile -t COMPREPLY < <(compgen -W 'wait leave-out' -- "$word")
            return
            ;;
        --silent-users)
            mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word")
            return
            ;;
        --log-level)
            mapfile -t COMPREPLY < <(compgen -W 'trace debug information warning error critical none' -- "$word")
            return
            ;;
        --log-format)
            mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
            return
            ;;
        --ids)
            mapfile -t COMPREPLY < <(compgen -W 'sequential random' -- "$word")
            return
            ;;
        --tls | --tls-client-cert)
            mapfile -t COMPREPLY < <(compgen -W 'off optional required' -- "$word")
            return
            ;;
        --port | --listen | --jwt-issuer | --jwt-audience | --jwt-clock-skew | --queue-limit | --stall-timeout | --max-connections | --max-http-connections | --memory-limit | --send-buffer | --heartbeat | --keepalive | --resume-window | --resume-retention | --confirm-timeout | --drain-timeout | --event-loops | --max-connections-per-address | --connection-rate | --max-connections-per-user | --handshake-timeout | --auth-timeout | --relay-rate | --byte-rate | --list-rate | --echo-rate | --max-errors | --least-progress | --max-body | --max-receivers | --allow-host | --allow-origin | --trusted-proxy) return ;;
        esac
        words+='--json --config --port --listen --allow-anonymous --auth --auth-tokens --jwt-keys --jwt-secret --jwt-issuer --jwt-audience --jwt-clock-skew --queue-limit --full-queue --stall-timeout --max-connections --max-http-connections --silent-users --memory-limit --send-buffer --heartbeat --keepalive --resume-window --resume-retention --confirm-timeout --drain-timeout --event-loops --log-level --log-format --audit-log --max-connections-per-address --connection-rate --max-connections-per-user --handshake-timeout --auth-timeout --relay-rate --byte-rate --list-rate --echo-rate --max-errors --least-progress --max-body --max-receivers --ids --allow-host --allow-origin --trusted-proxy --tls --tls-cert --tls-key --tls-pkcs12 --tls-pkcs12-password-file --tls-client-ca --tls-client-cert --dev-tls --help'
        ;;
    "doctor")
        case "$before" in
        --config | --auth-tokens | --jwt-keys | --jwt-secret | --audit-log | --tls-cert | --tls-key | --tls-pkcs12 | --tls-pkcs12-password-file | --tls-client-ca)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --allow-anonymous | --dev-tls) words='false true ' ;;
        --auth)
            mapfile -t COMPREPLY < <(compgen -W 'none token jwt' -- "$word")
            return
            ;;
        --full-queue)
            mapfile -t COMPREPLY < <(compgen -W 'wait leave-out' -- "$word")
            return
            ;;
        --silent-users)
            mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word")
            return
            ;;
        --log-level)
            mapfile -t COMPREPLY < <(compgen -W 'trace debug information warning error critical none' -- "$word")
            return
            ;;
        --log-format)
            mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
            return
            ;;
        --ids)
            mapfile -t COMPREPLY < <(compgen -W 'sequential random' -- "$word")
            return
            ;;
        --tls | --tls-client-cert)
            mapfile -t COMPREPLY < <(compgen -W 'off optional required' -- "$word")
            return
            ;;
        --port | --listen | --jwt-issuer | --jwt-audience | --jwt-clock-skew | --queue-limit | --stall-timeout | --max-connections | --max-http-connections | --memory-limit | --send-buffer | --heartbeat | --keepalive | --resume-window | --resume-retention | --confirm-timeout | --drain-timeout | --event-loops | --max-connections-per-address | --connection-rate | --max-connections-per-user | --handshake-timeout | --auth-timeout | --relay-rate | --byte-rate | --list-rate | --echo-rate | --max-errors | --least-progress | --max-body | --max-receivers | --allow-host | --allow-origin | --trusted-proxy) return ;;
        esac
        words+='--json --config --port --listen --allow-anonymous --auth --auth-tokens --jwt-keys --jwt-secret --jwt-issuer --jwt-audience --jwt-clock-skew --queue-limit --full-queue --stall-timeout --max-connections --max-http-connections --silent-users --memory-limit --send-buffer --heartbeat --keepalive --resume-window --resume-retention --confirm-timeout --drain-timeout --event-loops --log-level --log-format --audit-log --max-connections-per-address --connection-rate --max-connections-per-user --handshake-timeout --auth-timeout --relay-rate --byte-rate --list-rate --echo-rate --max-errors --least-progress --max-body --max-receivers --ids --allow-host --allow-origin --trusted-proxy --tls --tls-cert --tls-key --tls-pkcs12 --tls-pkcs12-password-file --tls-client-ca --tls-client-cert --dev-tls --help'
        ;;
    "identity")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --json --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "list")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --watch --json --no-reconnect --no-resume --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "echo")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --json --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "relay")
        case "$before" in
        --token-file | --file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --to | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --to --file --best-effort --confirm --no-reconnect --json --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "listen")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --count | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --json --raw --count --no-reconnect --no-resume --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "chat")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--hub --token-file --no-reconnect --no-resume --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='pairs fan-out fan-in mesh rtt --hub --token-file --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench pairs")
        case "$before" in
        --hgrm | --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --users | --size | --rate | --window | --duration | --count | --warm-up | --drain | --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--users --size --rate --window --duration --count --warm-up --drain --no-verify --json --csv --hgrm --no-progress --help --hub --token-file --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench fan-out")
        case "$before" in
        --hgrm | --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --users | --receivers | --size | --rate | --window | --duration | --count | --warm-up | --drain | --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--users --receivers --size --rate --window --duration --count --warm-up --drain --no-verify --json --csv --hgrm --no-progress --help --hub --token-file --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench fan-in")
        case "$before" in
        --hgrm | --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --users | --size | --rate | --window | --duration | --count | --warm-up | --drain | --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--users --size --rate --window --duration --count --warm-up --drain --no-verify --json --csv --hgrm --no-progress --help --hub --token-file --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench mesh")
        case "$before" in
        --hgrm | --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --users | --size | --rate | --window | --duration | --count | --warm-up | --drain | --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--users --size --rate --window --duration --count --warm-up --drain --no-verify --json --csv --hgrm --no-progress --help --hub --token-file --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "bench rtt")
        case "$before" in
        --hgrm | --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --users | --size | --rate | --duration | --count | --warm-up | --drain | --hub | --tls-pin | --tls-name) return ;;
        esac
        words+='--users --size --rate --duration --count --warm-up --drain --no-verify --json --csv --hgrm --no-progress --help --hub --token-file --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "attack")
        case "$before" in
        --token-file | --tls-ca | --tls-client-cert | --tls-client-key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --only)
            mapfile -t COMPREPLY < <(compgen -W 'declared-lengths trickle endless-lines length-edges error-flood list-flood echo-flood never-acknowledged connection-flood tls-junk half-tls tls-handshakes tls-renegotiation bad-tokens http smuggled-commands smuggled-lines' -- "$word")
            return
            ;;
        --seconds | --connections | --longest-gap | --pid | --tls-pin | --tls-name) return ;;
        esac
        words+='--token-file --only --seconds --connections --longest-gap --pid --yes --json --help --tls --tls-ca --tls-pin --tls-name --tls-client-cert --tls-client-key'
        ;;
    "token")
        words+='add list remove jwt --help'
        ;;
    "token add")
        case "$before" in
        --file | --out)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --reach)
            mapfile -t COMPREPLY < <(compgen -W 'all group none' -- "$word")
            return
            ;;
        --full-queue)
            mapfile -t COMPREPLY < <(compgen -W 'wait leave-out' -- "$word")
            return
            ;;
        --expires | --group | --relays-per-second | --bytes-per-second) return ;;
        esac
        words+='--file --out --expires --may-not-send --may-not-list --may-not-watch --reach --group --relays-per-second --bytes-per-second --full-queue --help'
        ;;
    "token list")
        case "$before" in
        --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        esac
        words+='--file --json --help'
        ;;
    "token remove")
        case "$before" in
        --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        esac
        words+='--file --help'
        ;;
    "token jwt")
        case "$before" in
        --secret | --key | --out)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --reach)
            mapfile -t COMPREPLY < <(compgen -W 'all group none' -- "$word")
            return
            ;;
        --full-queue)
            mapfile -t COMPREPLY < <(compgen -W 'wait leave-out' -- "$word")
            return
            ;;
        --sub | --issuer | --audience | --kid | --expires | --group | --relays-per-second | --bytes-per-second) return ;;
        esac
        words+='--secret --key --sub --issuer --audience --kid --out --expires --may-not-send --may-not-list --may-not-watch --reach --group --relays-per-second --bytes-per-second --full-queue --help'
        ;;
    "completion")
        words+='bash zsh fish --help'
        ;;
    "help")
        words+='serve check-config doctor identity list echo relay listen chat bench attack token completion help --help'
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _mds mds
